"""A script on a FUSE file system, executed by its name."""

import machine

ROW = "interpreters"
STATED = "no mark can be on such a file system, and what runs afterwards is the interpreter, which is image code"
CAPABILITIES = ["CAP_SYS_ADMIN"]
DEVICES = machine.FUSE
NEEDS = machine.fuse
SCRIPT = r"""printf '#!/bin/sh\n>/tmp/RAN-%s\n' $TAG >/tmp/script; mkdir /tmp/m; /attack/fuse /tmp/m /tmp/script serve; /tmp/m/evil"""
