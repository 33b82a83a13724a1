"""An image's script whose interpreter is drift."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""cp /attack/payload.bin /tmp/drifted-sh; chmod 755 /tmp/drifted-sh; ln /opt/script-user /opt/$TAG; /opt/$TAG"""
