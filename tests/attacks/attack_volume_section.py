"""A volume that a section of the policy denies."""

from attack import volume

ROW = "other superblocks"
REASON = "volume"
POLICY = """[Drift]
Mode=%MODE%
Volume=allow
[Volume data]
Path=/data
Verdict=%VERDICT%
"""
MOUNTS = [volume("/data")]
SCRIPT = r"""/data/evil $TAG"""
