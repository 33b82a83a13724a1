"""execveat on a directory descriptor."""

ROW = "no name"
REASON = "added"
SCRIPT = r"""/attack/noname dirfd /attack/payload.bin $TAG"""
