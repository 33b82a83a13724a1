"""A tmpfs mounted in a user namespace."""

import machine

ROW = "other superblocks"
PREVENT = ("denied added", "killed unmediated")
DETECT = ("told added", "told unmediated")
NEEDS = machine.user_namespaces
SCRIPT = r"""mkdir /tmp/m; unshare -Urm sh -c 'mount -t tmpfs none /tmp/m; cp /attack/linger.bin /tmp/m/evil; chmod 755 /tmp/m/evil; /tmp/m/evil '$TAG"""
