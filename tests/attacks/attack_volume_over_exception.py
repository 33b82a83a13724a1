"""A volume bind-mounted over an excepted path."""

from attack import volume

ROW = "other superblocks"
PREVENT = ("denied volume", "killed unmediated")
DETECT = ("told volume", "told unmediated")
POLICY = """[Drift]
Mode=%MODE%
Volume=%VERDICT%
[Allow plugins]
Path=/opt/plugins/*
"""
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [volume("/data")]
SCRIPT = r"""mkdir -p /opt/plugins; mount -o bind /data /opt/plugins; /opt/plugins/evil $TAG"""
