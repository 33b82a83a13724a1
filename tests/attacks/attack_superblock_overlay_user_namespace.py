"""An overlay mounted in a user namespace."""

import machine

ROW = "other superblocks"
PREVENT = ("denied added", "killed unmediated")
DETECT = ("told added", "told unmediated")
NEEDS = machine.user_namespaces
SCRIPT = r"""unshare -Urm sh -c 'mkdir /tmp/m /tmp/l; mount -t tmpfs none /tmp/m; mkdir /tmp/m/u /tmp/m/w; mount -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/m/u,workdir=/tmp/m/w none /tmp/l; cp /attack/linger.bin /tmp/l/evil; chmod 755 /tmp/l/evil; /tmp/l/evil '$TAG"""
