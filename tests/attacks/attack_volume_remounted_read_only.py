"""A volume remounted read-only before it is executed from, where the policy allows read-only ones."""

from attack import volume

ROW = "other superblocks"
PREVENT = ("denied volume", "killed unmediated")
DETECT = ("told volume", "told unmediated")
POLICY = """[Drift]
Mode=%MODE%
Volume=%VERDICT%
[Volume immutable]
ReadOnly=yes
Verdict=allow
"""
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [volume("/data")]
SCRIPT = r"""cp /attack/linger.bin /data/mine; chmod 755 /data/mine; mount -o remount,bind,ro /data; /data/mine $TAG"""
