"""Drift in a container that started before the service."""

ROW = "dirty past"
REASON = "added"
WHEN = "before"
PREPARE = "cp /attack/payload.bin /tmp/old; chmod 755 /tmp/old"
SCRIPT = r"""/tmp/old $TAG"""
