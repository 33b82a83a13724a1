"""A tmpfs given by the runtime."""

from attack import tmpfs

ROW = "other superblocks"
REASON = "added"
MOUNTS = [tmpfs("/scratch")]
SCRIPT = r"""cp /attack/linger.bin /scratch/evil; chmod 755 /scratch/evil; /scratch/evil $TAG"""
