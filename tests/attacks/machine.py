"""What an attempt may need of the machine: raises Skip, naming what is missing."""

from pathlib import Path

from harness.env import Skip

FUSE = [("/dev/fuse", 10, 229)]
MEMFD_SYSCTL = Path("/proc/sys/vm/memfd_noexec").exists()


def fuse():
    if not Path("/dev/fuse").exists():
        raise Skip("this kernel has no FUSE: /dev/fuse is missing")


def user_namespaces():
    for file in ("/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/unprivileged_userns_clone"):
        if Path(file).exists() and int(Path(file).read_text()) == 0:
            raise Skip(f"this machine allows no user namespaces: {file} is 0")


def fuse_in_user_namespaces():
    fuse()
    user_namespaces()


def memfd_exec_flag():
    if not MEMFD_SYSCTL:
        raise Skip("this kernel has no MFD_EXEC (it came with 6.3)")
