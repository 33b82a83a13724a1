"""/dev/shm, given by the runtime."""

from attack import tmpfs

ROW = "other superblocks"
REASON = "added"
MOUNTS = [tmpfs("/dev/shm", "mode=1777")]  # the runtimes' own is noexec, most charts' is not
SCRIPT = r"""cp /attack/linger.bin /dev/shm/evil; chmod 755 /dev/shm/evil; /dev/shm/evil $TAG"""
