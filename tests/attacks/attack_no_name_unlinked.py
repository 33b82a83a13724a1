"""An unlinked file, through /proc/self/fd."""

ROW = "no name"
REASON = "added"
SCRIPT = r"""/attack/noname unlinked /attack/payload.bin $TAG"""
