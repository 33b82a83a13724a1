"""dlopen of a shared object that is not the image's."""

ROW = "library"
REASON = "library"
POLICY = """[Drift]
Mode=%MODE%
Library=%VERDICT%
"""
SCRIPT = r"""cp /attack/evil.so /tmp/evil; TAG=$TAG /usr/local/bin/dynamic /tmp/evil"""
