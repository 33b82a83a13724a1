"""A name relative to the working directory."""

ROW = "no name"
REASON = "added"
SCRIPT = r"""/attack/noname relative /attack/payload.bin $TAG"""
