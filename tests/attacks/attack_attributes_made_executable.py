"""chmod +x on a data file that the image ships."""

ROW = "attributes"
REASON = "made-executable"
SCRIPT = r"""chmod 755 /opt/data.bin; /opt/data.bin $TAG"""
