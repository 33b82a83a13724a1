"""Code written into another process by process_vm_writev."""

ROW = "code in memory"
STATED = "code written into a process's own memory is no file"
SCRIPT = r"""/attack/inject process-vm $TAG"""
