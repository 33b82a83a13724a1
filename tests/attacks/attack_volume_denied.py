"""A volume, Volume=deny."""

from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
REASON = "volume"
POLICY = VOLUMES_POLICY
MOUNTS = [volume("/data")]
SCRIPT = r"""/data/evil $TAG"""
