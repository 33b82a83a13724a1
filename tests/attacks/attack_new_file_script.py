"""A script written on the spot."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""printf '#!/bin/sh\n>/tmp/RAN-%s\n' $TAG >/tmp/evil; chmod 755 /tmp/evil; /tmp/evil"""
