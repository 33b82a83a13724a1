"""cp of an image program where the policy says Relocated=deny."""

ROW = "same bytes elsewhere"
REASON = "relocated"
POLICY = """[Drift]
Mode=%MODE%
Relocated=%VERDICT%
"""
SCRIPT = r"""cp /usr/local/bin/spare /tmp/x; /tmp/x && >/tmp/RAN-$TAG"""
