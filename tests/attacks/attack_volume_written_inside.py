"""A program that the container wrote into a volume itself."""

from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
REASON = "volume"
POLICY = VOLUMES_POLICY
MOUNTS = [volume("/data")]
SCRIPT = r"""cp /attack/linger.bin /data/mine; chmod 755 /data/mine; /data/mine $TAG"""
