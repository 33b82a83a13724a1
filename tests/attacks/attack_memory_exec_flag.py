"""memfd_create with MFD_EXEC."""

import machine

ROW = "memory"
PREVENT = ("refused", "killed fileless")  # the latter where the kernel has no vm.memfd_noexec (before 6.3)
DETECT = ("told fileless",)
HERE = ("refused",) if machine.MEMFD_SYSCTL else ("killed fileless",)
NEEDS = machine.memfd_exec_flag
SCRIPT = r"""/attack/memfd exec /attack/linger.bin $TAG"""
