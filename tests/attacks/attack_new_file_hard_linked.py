"""A data file written new, executable only through a second name."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""cp /attack/payload.bin /tmp/data; chmod 755 /tmp/data; ln /tmp/data /opt/evil; rm /tmp/data; /opt/evil $TAG"""
