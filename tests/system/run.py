#!/usr/bin/python3
"""Runs the system tests: real containers, real runtimes, the staged service.

usage: tests/system/run.py [--list] [--runtimes crun,docker] [PATTERN…]

A pattern is a glob on a test's name, or a part of it. Needs root. Prints a line a test, and at the end
`N passed, N failed, N skipped`; the exit status is 0 if none failed.
"""

import argparse
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import env, runtimes  # noqa: E402
from harness.lab import Lab  # noqa: E402
from harness.report import Report, find, fits, run_cases  # noqa: E402
from harness.service import DAEMON  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="*", help="only tests whose names fit")
    parser.add_argument("--runtimes", default=",".join(runtimes.NAMES), help="comma separated (default: all)")
    parser.add_argument("--list", action="store_true", help="print the names of the tests")
    arguments = parser.parse_args()
    names = arguments.runtimes.split(",")
    if unknown := set(names) - set(runtimes.NAMES):
        parser.error(f"unknown runtime {', '.join(unknown)}; there are {', '.join(runtimes.NAMES)}")
    cases = [c for c in find(Path(__file__).resolve().parent, names) if fits(c, arguments.pattern)]
    if arguments.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not DAEMON.exists():
        print(f"{DAEMON} is not there: ./dev build makes it", file=sys.stderr)
        return 2
    env.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    report, lab = Report(), Lab(names)
    try:
        run_cases(cases, lab, report)
    finally:
        lab.close()
    return report.sum()


if __name__ == "__main__":
    sys.exit(main())
