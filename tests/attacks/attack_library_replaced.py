"""A shared object in place of one of the image's."""

ROW = "library"
REASON = "library"
POLICY = """[Drift]
Mode=%MODE%
Library=%VERDICT%
"""
SCRIPT = r"""cp /attack/evil.so /tmp/new; mv /tmp/new /usr/lib/shipped.so; TAG=$TAG /usr/local/bin/dynamic /usr/lib/shipped.so"""
