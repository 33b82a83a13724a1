"""A detached tmpfs in a user namespace."""

import machine

ROW = "other superblocks"
PREVENT = ("denied added", "killed unmediated")
DETECT = ("told added", "told unmediated")
NEEDS = machine.user_namespaces
SCRIPT = r"""unshare -Urm /attack/mounts detached /attack/linger.bin $TAG"""
