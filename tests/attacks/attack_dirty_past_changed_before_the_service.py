"""A program changed before the service started."""

ROW = "dirty past"
REASON = "modified"
WHEN = "before"
PREPARE = "cp /attack/payload.bin /tmp/n; chmod 755 /tmp/n; mv /tmp/n /usr/local/bin/renamed"
SCRIPT = r"""/usr/local/bin/renamed $TAG"""
