"""Code written into a process's own memory."""

ROW = "code in memory"
STATED = "code written into a process's own memory is no file"
SCRIPT = r"""/attack/inject own $TAG"""
