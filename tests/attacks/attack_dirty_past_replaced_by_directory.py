"""A directory of the image replaced by one with changed programs, then restarted."""

ROW = "dirty past"
REASON = "modified"
WHEN = "restarted"
PREPARE = "mv /usr/local /usr/old; mkdir -p /usr/local/bin; cp /attack/payload.bin /usr/local/bin/tool; chmod 755 /usr/local/bin/tool"
SCRIPT = r"""/usr/local/bin/tool $TAG"""
