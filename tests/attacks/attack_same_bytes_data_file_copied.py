"""cp of an image data file, made executable."""

ROW = "same bytes elsewhere"
REASON = "added"
SCRIPT = r"""cp /opt/data.bin /tmp/x; chmod 755 /tmp/x; /tmp/x $TAG"""
