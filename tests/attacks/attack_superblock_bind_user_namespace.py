"""A bind mount made in a user namespace."""

import machine

ROW = "other superblocks"
REASON = "added"
NEEDS = machine.user_namespaces
SCRIPT = r"""mkdir /tmp/m /tmp/d; cp /attack/linger.bin /tmp/d/evil; chmod 755 /tmp/d/evil; unshare -Urm sh -c 'mount -o bind /tmp/d /tmp/m; /tmp/m/evil '$TAG"""
