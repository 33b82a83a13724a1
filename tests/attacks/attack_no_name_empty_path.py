"""execveat with AT_EMPTY_PATH."""

ROW = "no name"
REASON = "added"
SCRIPT = r"""/attack/noname empty-path /attack/payload.bin $TAG"""
