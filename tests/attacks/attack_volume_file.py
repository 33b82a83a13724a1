"""A file of the host mounted over an image program."""

from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
REASON = "volume"
POLICY = VOLUMES_POLICY
FILE_MOUNTS = True
MOUNTS = [volume("/usr/local/bin/tool")]
SCRIPT = r"""/usr/local/bin/tool $TAG"""
