"""A volume bind-mounted over a volume that a section allows."""

from attack import volume

ROW = "other superblocks"
PREVENT = ("denied volume", "killed unmediated")
DETECT = ("told volume", "told unmediated")
POLICY = """[Drift]
Mode=%MODE%
Volume=%VERDICT%
[Volume trusted]
Path=/trusted
Verdict=allow
"""
CAPABILITIES = ["CAP_SYS_ADMIN"]
MOUNTS = [volume("/data"), volume("/trusted", "ro")]
SCRIPT = r"""mount -o bind /data /trusted; /trusted/evil $TAG"""
