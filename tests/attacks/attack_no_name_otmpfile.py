"""An O_TMPFILE, through /proc/self/fd."""

ROW = "no name"
REASON = "added"
SCRIPT = r"""/attack/noname otmpfile /attack/payload.bin $TAG"""
