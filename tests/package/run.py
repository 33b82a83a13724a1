#!/usr/bin/python3
"""Installs, upgrades, removes and purges the packages of build/packages in a minimal Debian.

usage: tests/package/run.py [PATTERN…]

A pattern is a glob on a test's name, or a part of it. Needs root, and what ./dev package has made.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from harness import env  # noqa: E402
from harness.report import Report, find, fits  # noqa: E402
from root import Root  # noqa: E402


def in_its_own_root(case):
    root = Root(case.function.__name__)
    try:
        return case.function(root)
    finally:
        root.close()


def main() -> int:
    env.enter()
    report = Report()
    for case in find(Path(__file__).resolve().parent, []):
        if fits(case, sys.argv[1:]):
            report.run(case.name, in_its_own_root, case)
    return report.sum()


if __name__ == "__main__":
    sys.exit(main())
