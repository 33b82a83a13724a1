"""A FUSE file system mounted inside."""

import machine

ROW = "other superblocks"
PREVENT = ("killed unmediated",)
DETECT = ("told unmediated",)
CAPABILITIES = ["CAP_SYS_ADMIN"]
DEVICES = machine.FUSE
NEEDS = machine.fuse
SCRIPT = r"""mkdir /tmp/m; /attack/fuse /tmp/m /attack/linger.bin serve; /tmp/m/evil $TAG"""
