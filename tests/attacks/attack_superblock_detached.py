"""A detached tmpfs: fsopen, fsmount, execveat."""

ROW = "other superblocks"
PREVENT = ("denied added", "killed unmediated")
DETECT = ("told added", "told unmediated")
CAPABILITIES = ["CAP_SYS_ADMIN"]
SCRIPT = r"""/attack/mounts detached /attack/linger.bin $TAG"""
