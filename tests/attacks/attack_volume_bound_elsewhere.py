"""A volume bind-mounted to another place inside."""

from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
PREVENT = ("denied volume", "killed unmediated")
DETECT = ("told volume", "told unmediated")
POLICY = VOLUMES_POLICY
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [volume("/data")]
SCRIPT = r"""mkdir /tmp/m; mount -o bind /data /tmp/m; /tmp/m/evil $TAG"""
