"""A program copied in."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; /tmp/evil $TAG"""
