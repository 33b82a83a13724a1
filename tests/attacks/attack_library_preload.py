"""LD_PRELOAD of a shared object that is not the image's."""

ROW = "library"
REASON = "library"
POLICY = """[Drift]
Mode=%MODE%
Library=%VERDICT%
"""
SCRIPT = r"""cp /attack/evil.so /tmp/evil.so; TAG=$TAG LD_PRELOAD=/tmp/evil.so /usr/local/bin/dynamic"""
