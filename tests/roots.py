#!/usr/bin/python3
"""Makes the Debian root file systems that the suites after this one need, so that none has to wait: what `system` has, and `vm`,
which holds what our own package depends on."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE / "vm"), str(_HERE / "system")]

import run as vm  # noqa: E402
from harness import debian  # noqa: E402
from harness.env import Skip  # noqa: E402

try:
    debian.archive()
    vm.root_archive("6.1")
except Skip as why:
    print(f"SKIP {why}")
