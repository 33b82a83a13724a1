"""memfd_create and fexecve."""

import machine

ROW = "memory"
PREVENT = ("refused", "killed fileless")  # the latter where the kernel has no vm.memfd_noexec (before 6.3)
DETECT = ("told fileless",)
HERE = ("refused",) if machine.MEMFD_SYSCTL else ("killed fileless",)
SCRIPT = r"""/attack/memfd fexecve /attack/linger.bin $TAG"""
