"""A noexec tmpfs given by the runtime, remounted to execute."""

from attack import tmpfs

ROW = "other superblocks"
PREVENT = ("denied added", "killed unmediated")
DETECT = ("told added", "told unmediated")
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [tmpfs("/scratch", "noexec")]
SCRIPT = r"""mount -o remount,exec /scratch; cp /attack/linger.bin /scratch/evil; chmod 755 /scratch/evil; /scratch/evil $TAG"""
