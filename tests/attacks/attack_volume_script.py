"""A script on a volume, executed by its name."""

from attack import VOLUMES_POLICY, volume

ROW = "other superblocks"
REASON = "volume"
POLICY = VOLUMES_POLICY
MOUNTS = [volume("/data")]
SCRIPT = r"""printf '#!/bin/sh\n>/tmp/RAN-%s\n' $TAG >/data/script; chmod 755 /data/script; /data/script"""
