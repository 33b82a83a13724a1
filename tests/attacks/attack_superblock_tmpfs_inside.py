"""A tmpfs mounted inside."""

ROW = "other superblocks"
PREVENT = ("denied added", "killed unmediated")
DETECT = ("told added", "told unmediated")
CAPABILITIES = ["CAP_SYS_ADMIN"]
SCRIPT = r"""mkdir /tmp/m; mount -t tmpfs none /tmp/m; cp /attack/linger.bin /tmp/m/evil; chmod 755 /tmp/m/evil; /tmp/m/evil $TAG"""
