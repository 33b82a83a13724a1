#!/usr/bin/python3
"""Lets the service run for a long time with much happening, and counts.

usage: tests/soak/run.py [--minutes N]

Containers come and go, execute what is theirs and what drifted; policies are reloaded, and at three moments the service is
started again. In between its memory, descriptors and threads must stay flat, and at the end every attempt must have exactly one alert,
counted against what was done here. Needs root and crun; the exit status is 0 if all is so.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from harness import env  # noqa: E402
from harness.env import TestError, wait_until  # noqa: E402
from harness.lab import Lab  # noqa: E402

SPANS = 4  # the service is started again after each but the last
RELOAD_EVERY, SAMPLE_EVERY = 5, 10  # rounds
GROWTH_BYTES, GROWTH_SHARE, GROWTH_DESCRIPTORS = 4 << 20, 0.15, 4
# Beside image code, a file of a content and a name of its own each time: attempts that are alike would be folded.
ROUND = """for i in 1 2 3 4 5; do /usr/local/bin/tool >/dev/null || echo IMAGE-CODE-REFUSED; done
for i in 1 2 3; do f=/tmp/d-{number}-$i; cp /attack/payload.bin $f; echo {number}-$i >>$f; chmod 755 $f; $f x && echo RAN; done; :"""
DRIFT_A_ROUND = 3
# In a container that lives as long as the soak: image code, without a pause.
LOAD = "while :; do /usr/local/bin/tool >/dev/null || echo x >>/tmp/refused; done"


class Sample:
    def __init__(self, service):
        proc = Path(f"/proc/{service.process.pid}")
        self.memory = service.memory()
        self.descriptors = len(os.listdir(proc / "fd"))
        self.threads = len(os.listdir(proc / "task"))

    def __str__(self):
        return f"{self.memory / (1 << 20):.1f} MiB, {self.descriptors} descriptors, {self.threads} threads"


class Soak:
    def __init__(self, lab: Lab, seconds: float):
        self.lab, self.seconds = lab, seconds
        self.service = lab.service(gate="Deadline=5s\nOnDeadline=deny")
        self.attempts: list[tuple[str, str]] = []  # container, path
        self.rounds = self.reloads = self.restarts = 0
        self.complaints: list[str] = []

    def run(self):
        load = self.lab.run(argv=["/bin/sh", "-c", LOAD])
        for span in range(SPANS):
            if span:
                self.service.stop()
                self.service.start()
                self.restarts += 1
            self.span(span, time.monotonic() + self.seconds / SPANS)
        if (load.upper / "tmp/refused").exists():
            self.complaints.append("image code was refused in the container that runs all the time")
        self.count()

    def span(self, span: int, end: float):
        samples: list[Sample] = []
        while time.monotonic() < end or len(samples) < 3:
            self.round()
            if self.rounds % RELOAD_EVERY == 0:
                self.reload()
            if self.rounds % SAMPLE_EVERY == 0:
                wait_until("the ended containers to be forgotten", lambda: len(self.service.containers()) == 1, 20)
                samples.append(Sample(self.service))
        # The tables of a fixed size fill up at first. Descriptors come and go with what is in hand: the least of them tells.
        third = len(samples) // 3
        first, last = samples[third], samples[-1]
        least = [min(s.descriptors for s in part) for part in (samples[third:-third or None], samples[-third:])]
        print(f"span {span + 1} of {SPANS}: {self.rounds} rounds; {first} became {last}", flush=True)
        if last.memory > first.memory + max(GROWTH_BYTES, first.memory * GROWTH_SHARE):
            self.complaints.append(f"memory grew in span {span + 1}: {[s.memory for s in samples]}")
        if least[1] > least[0] + GROWTH_DESCRIPTORS or last.threads > first.threads:
            self.complaints.append(f"descriptors (at least {least[0]}, then {least[1]}) or threads grew in span {span + 1}")

    def round(self):
        self.rounds += 1
        container = self.lab.runtime("crun").run()
        try:
            out = container.sh(ROUND.format(number=self.rounds)).out
            self.attempts += [(container.id, f"/tmp/d-{self.rounds}-{i}") for i in range(1, DRIFT_A_ROUND + 1)]
            if "RAN" in out or "REFUSED" in out:
                self.complaints.append(f"round {self.rounds}: {out[-300:]}")
        finally:
            container.remove()

    def reload(self):
        self.reloads += 1
        self.service.policy("50-other.policy", f"[Match]\nContainer=nobody-{self.reloads}\n[Drift]\nMode=prevent\n")
        if (result := self.service.cli("policy", "reload")).status != 0:
            raise TestError(f"reload: {result}")

    def count(self):
        wait_until("the last alert", lambda: len(self.service.alerts.drift()) >= len(self.attempts), 15)
        told: dict[tuple[str, str], int] = {}
        for alert in self.service.alerts.drift():
            key = (alert["container"]["id"], alert["file"]["path"])
            told[key] = told.get(key, 0) + 1 + alert.get("repeats", 0)
        attempts = set(self.attempts)
        missed = [a for a in self.attempts if a not in told]
        doubled = [a for a, times in told.items() if times > 1]
        invented = [a for a in told if a not in attempts]
        lost = [a["message"] for a in self.service.alerts.all() if a["kind"] == "service"]
        for what, found in (("missed", missed), ("doubled", doubled), ("without an attempt", invented), ("of the service itself", lost)):
            if found:
                self.complaints.append(f"{len(found)} alerts {what}: {found[:5]}")
        print(f"{self.rounds} containers, {len(self.attempts)} attempts, {sum(told.values())} alerts, {self.reloads} reloads, "
              f"{self.restarts} restarts", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    seconds = parser.parse_args().minutes * 60
    env.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    lab = Lab(["crun"])
    try:
        soak = Soak(lab, seconds)
        soak.run()
    finally:
        lab.close()
    for complaint in soak.complaints:
        print(f"FAIL {complaint}")
    print("the soak has passed" if not soak.complaints else f"{len(soak.complaints)} complaints")
    return 1 if soak.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
