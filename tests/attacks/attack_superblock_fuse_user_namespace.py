"""A FUSE file system mounted in a user namespace."""

import machine

ROW = "other superblocks"
PREVENT = ("killed unmediated",)
DETECT = ("told unmediated",)
DEVICES = machine.FUSE
NEEDS = machine.fuse_in_user_namespaces
SCRIPT = r"""mkdir /tmp/m; unshare -Urm sh -c '/attack/fuse /tmp/m /attack/linger.bin serve; /tmp/m/evil '$TAG"""
