"""An image program replaced by rename."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""cp /attack/payload.bin /tmp/n; chmod 755 /tmp/n; mv /tmp/n /usr/local/bin/renamed; /usr/local/bin/renamed $TAG"""
