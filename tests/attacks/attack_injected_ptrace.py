"""Code written into another process by ptrace."""

ROW = "code in memory"
STATED = "code written into a process's own memory is no file"
SCRIPT = r"""/attack/inject ptrace $TAG"""
