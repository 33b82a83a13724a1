"""A read-only volume, without a word in the policy."""

from attack import volume

ROW = "other superblocks"
SILENT = True
MOUNTS = [volume("/data", "ro")]
SCRIPT = r"""/data/evil $TAG"""
