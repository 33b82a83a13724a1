"""A sparse program of 8 TB."""

ROW = "verdict denial of service"
REASON = "added"
SCRIPT = r"""cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; truncate -s 8T /tmp/evil; /tmp/evil $TAG"""
