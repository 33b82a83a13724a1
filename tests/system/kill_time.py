#!/usr/bin/python3
"""Measures how long a program lives that is found after the fact, in prevent mode, and what it can do meanwhile.

usage: tests/system/kill_time.py [NUMBER]

Executes tests/tools/stamp.c NUMBER times (200) from a file system that cannot be marked. Prints p50, p99 and max of the time
from its first instruction to its last, and how often it got a socket and wrote a file before. Needs root.
"""

import contextlib
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import env  # noqa: E402
from harness.env import TestError, wait_until  # noqa: E402
from harness.lab import Lab  # noqa: E402
from net import HIDDEN, Stamps, with_mounts  # noqa: E402


def measure(lab: Lab, number: int):
    service = lab.service(alerts=())
    container = with_mounts(lab)
    lives, sockets, files = [], 0, 0
    for i in range(number):
        stamps = Stamps(container, "page")
        out = container.sh(f"{HIDDEN} /attack/stamp.bin {stamps.path} {i}; echo STATUS $?").out
        if "STATUS 137" not in out:
            raise TestError(f"it was not killed: {out}")
        began, last, had_socket, wrote = stamps.read()
        lives.append((last - began) / 1e6 if began else 0.0)  # killed before its first stamp
        sockets += had_socket
        files += wrote
    wait_until("the count", lambda: service.json("status")["net"]["killed"] >= number)
    lives.sort()
    p50, p99 = lives[len(lives) // 2], lives[min(len(lives) - 1, len(lives) * 99 // 100)]
    print(f"{number} programs killed after the fact: lived p50 {p50:.3f} ms, p99 {p99:.3f} ms, max {lives[-1]:.3f} ms; "
          f"{sockets} had a socket, {files} wrote a file")


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    env.enter()
    lab = Lab(["crun"])
    with contextlib.closing(lab):
        measure(lab, number)
    return 0


if __name__ == "__main__":
    sys.exit(main())
