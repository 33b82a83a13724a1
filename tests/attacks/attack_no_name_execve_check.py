"""AT_EXECVE_CHECK, as an interpreter asks the kernel."""

ROW = "no name"
REASON = "added"
SCRIPT = r"""/attack/noname check /attack/payload.bin $TAG && >/tmp/RAN-$TAG"""
