"""A volume through a mount namespace of a user namespace."""

import machine
from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
PREVENT = ("denied volume", "killed unmediated")
DETECT = ("told volume", "told unmediated")
POLICY = VOLUMES_POLICY
MOUNTS = [volume("/data")]
NEEDS = machine.user_namespaces
SCRIPT = r"""unshare -Urm /data/evil $TAG"""
