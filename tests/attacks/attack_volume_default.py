"""A volume that the container can write, without a word in the policy."""

from attack import volume

ROW = "other superblocks"
PREVENT = ("told volume",)
DETECT = ("told volume",)
MOUNTS = [volume("/data")]
SCRIPT = r"""/data/evil $TAG"""
