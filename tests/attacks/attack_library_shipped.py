"""Shared objects of the image's, touched ones and oddly named ones, and data, where the policy says Library=deny."""

ROW = "library"
SILENT = True
POLICY = """[Drift]
Mode=%MODE%
Library=%VERDICT%
"""
SCRIPT = r"""chmod 600 /usr/lib/shipped.so; echo data >/tmp/data; cat /tmp/data >/tmp/copy; /usr/local/bin/dynamic /usr/lib/shipped.so && /usr/local/bin/dynamic /opt/plug-in"""
