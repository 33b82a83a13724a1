"""A volume through a cloned mount namespace."""

from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
PREVENT = ("denied volume", "killed unmediated")
DETECT = ("told volume", "told unmediated")
POLICY = VOLUMES_POLICY
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [volume("/data")]
SCRIPT = r"""unshare -m /data/evil $TAG"""
