"""A copy of a dynamic program of the image's."""

ROW = "loader"
SILENT = True
SCRIPT = r"""cp /usr/local/bin/dynamic /tmp/d; /tmp/d && /tmp/d && echo RAN"""
