"""Drift in a container that is stopped and started again."""

ROW = "dirty past"
REASON = "added"
WHEN = "restarted"
PREPARE = "cp /attack/payload.bin /tmp/old; chmod 755 /tmp/old"
SCRIPT = r"""/tmp/old $TAG"""
