"""A volume through open_tree, OPEN_TREE_CLONE."""

from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
PREVENT = ("denied volume", "killed unmediated")
DETECT = ("told volume", "told unmediated")
POLICY = VOLUMES_POLICY
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [volume("/data")]
SCRIPT = r"""/attack/mounts clone /attack/linger.bin $TAG /data"""
