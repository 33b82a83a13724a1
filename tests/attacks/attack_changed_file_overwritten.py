"""An image program overwritten in place."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""cat /attack/payload.bin >/usr/local/bin/rewritten; /usr/local/bin/rewritten $TAG"""
