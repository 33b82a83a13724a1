"""A tmpfs given by the runtime, moved to another place and into a cloned mount namespace."""

from attack import tmpfs

ROW = "other superblocks"
REASON = "added"
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [tmpfs("/scratch")]
SCRIPT = r"""cp /attack/linger.bin /scratch/evil; chmod 755 /scratch/evil; mkdir /tmp/m; mount -o bind /scratch /tmp/m; umount /scratch; unshare -m /tmp/m/evil $TAG"""
