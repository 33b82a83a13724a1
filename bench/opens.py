#!/usr/bin/python3
"""What opening a file costs in a container whose policy says Library=, next to one whose policy does not.

usage: bench/opens.py [ROUNDS]

Rounds are interleaved; each gives the median of 2000 opens. Printed: the median over the rounds, in microseconds. Needs
root and a build.
"""

import statistics
import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.dont_write_bytecode = True
sys.path[:0] = [str(_TESTS / "system")]

from harness import env  # noqa: E402
from harness.lab import Lab  # noqa: E402
from harness.service import Service  # noqa: E402

_FILES = {"data file": "/tmp/data", "image library": "/usr/lib/shipped.so"}


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    env.enter()
    lab = Lab(["crun"])
    try:
        for mode, verdict in (("prevent", "deny"), ("detect", "alert")):
            with lab.scope():
                service = Service(f"opens-{mode}", drift="Mode=off")
                for name, more in (("asks", f"Library={verdict}\n"), ("plain", "")):
                    service.policy(f"{name}.policy", f"[Match]\nContainer=hftest-{name}\n[Drift]\nMode={mode}\n{more}")
                lab.defer(service.stop)
                service.start()
                containers = {name: lab.run(name=f"hftest-{name}") for name in ("asks", "plain")}
                for container in containers.values():
                    container.sh("echo some data >/tmp/data")
                measure(mode, containers, rounds)
    finally:
        lab.close()
    return 0


def measure(mode: str, containers: dict, rounds: int):
    for what, path in _FILES.items():
        took = {name: [] for name in containers}
        for _ in range(rounds):
            for name, container in containers.items():
                took[name].append(int(container.exec("/attack/openloop", path, "2000").out) / 1000)
        asks, plain = (statistics.median(took[name]) for name in ("asks", "plain"))
        print(f"{mode}: open of a {what}: {plain:.1f} us without Library=, {asks:.1f} us with it", flush=True)


if __name__ == "__main__":
    sys.exit(main())
