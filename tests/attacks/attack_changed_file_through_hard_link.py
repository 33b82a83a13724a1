"""An image program changed through a hard link to it."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""ln /usr/local/bin/linked /tmp/other; cat /attack/payload.bin >/tmp/other; /usr/local/bin/linked $TAG"""
