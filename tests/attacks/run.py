#!/usr/bin/python3
"""Makes every attempt of this folder by real programs in real containers, and prints a table.

usage: tests/attacks/run.py [--list] [--unguarded] [--repeat N] [--mode prevent|detect] [--man | --man-check] [PATTERN…]

Each attempt is one file, attack_*.py; attack.py says what it holds. It must work where nothing guards, end in prevent mode as
its file says, and in detect mode give exactly one alert with the right reason. Needs root; the exit status is 0 if all is so.
HOLDFAST_STRESS_SECONDS says how long the stresses last (30).
"""

import argparse
import importlib
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(_HERE), str(_HERE.parent / "system")]

import manual  # noqa: E402
from attack import DEFAULT_POLICY, STRESS_POLICY, Attack  # noqa: E402
from harness import env  # noqa: E402
from harness.env import Skip, TestError  # noqa: E402
from harness.lab import Lab  # noqa: E402
from harness.service import DAEMON, Service  # noqa: E402


def load(patterns: list[str]) -> list[Attack]:
    names = sorted(file.stem for file in _HERE.glob("attack_*.py"))
    attacks = [Attack(name.removeprefix("attack_"), importlib.import_module(name)) for name in names]
    wanted = [a for a in attacks if not patterns or any(p in a.name or p in a.row for p in patterns)]
    return sorted(wanted, key=lambda a: a.row)  # keeps the files' order within a row


class Table:
    def __init__(self, attacks: list[Attack]):
        self.cells: dict[tuple[str, str], list[str]] = {}
        self.attacks, self.passed, self.failed, self.skipped = attacks, 0, 0, 0

    def run(self, attack: Attack, column: str, function, *arguments):
        """What `function` returns is the cell; of repeated runs each is kept."""
        cell = "FAIL"
        try:
            cell = function(*arguments)
            self.passed += 1
        except Skip as why:
            self.skipped += 1
            cell = "SKIP"
            print(f"SKIP {attack.name} ({column}): {why}", flush=True)
        except (TestError, OSError) as why:
            self.failed += 1
            print(f"FAIL {attack.name} ({column}): {str(why)[:1500]}", flush=True)
        self.cells.setdefault((attack.name, column), []).append(cell)

    def cell(self, attack: Attack, column: str) -> str:
        counts = Counter(self.cells.get((attack.name, column), []))
        return ", ".join(cell if number == 1 else f"{number} × {cell}" for cell, number in counts.items())

    def print(self):
        rows = [("class", "attempt", "unguarded", "prevent", "detect", "mechanism")]
        for attack in self.attacks:
            cells = (self.cell(attack, column) for column in ("unguarded", "prevent", "detect"))
            rows.append((attack.row, attack.words, *cells, attack.mechanism))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")


def reload(service: Service):
    result = service.cli("policy", "reload")
    if result.status != 0:
        raise TestError(f"policy reload: {result}")


class Mode:
    """All attempts in one mode, under one service; policies of their own come before the common one."""

    def __init__(self, lab: Lab, mode: str, table: Table, run: int):
        self.lab, self.mode, self.table = lab, mode, table
        self.service = Service(f"attacks-{mode}-{run}", drift=f"Mode={mode}", gate="Deadline=3s\nOnDeadline=allow")
        if mode == "prevent":
            self.service.policy("20-stress.policy", STRESS_POLICY)
        self.service.policy("90-all.policy", DEFAULT_POLICY.replace("%MODE%", mode))
        self.early, self.fence = {}, None

    def run(self, attacks: list[Attack]):
        for attack in attacks:
            if attack.get("WHEN") == "before":
                self.prepare_early(attack)
        self.lab.defer(self.service.stop)
        self.service.start()
        self.fence = self.lab.run()
        for attack in attacks:
            if not attack.get("STRESS"):
                self.one(attack)
        self.stress([a for a in attacks if a.get("STRESS")])

    def prepare_early(self, attack: Attack):
        try:
            container = attack.prepare(self.lab, self.mode)
        except Skip:
            return  # said where it is tried
        attack.begin(container, self.mode)
        self.early[attack.name] = container

    def one(self, attack: Attack):
        if attack.get("POLICY"):
            self.service.policy("10-own.policy", attack.policy(self.mode))
            reload(self.service)
        with self.lab.scope():
            self.table.run(attack, self.mode, self.guarded, attack)
        if attack.get("POLICY"):
            self.service.policy("10-own.policy", None)
            reload(self.service)
        self.expect_alive()

    def guarded(self, attack: Attack) -> str:
        container = self.early.get(attack.name) or attack.prepare(self.lab, self.mode)
        return attack.guarded(container, self.lab, self.service, self.fence, self.mode)

    def stress(self, attacks: list[Attack]):
        """At the same time, each in a container of its own: so they take the time of one."""
        with self.lab.scope():
            threads = [threading.Thread(target=self.table.run, args=(attack, self.mode, self.guarded, attack))
                       for attack in attacks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.expect_alive()

    def expect_alive(self):
        process = self.service.process
        if process.poll() is not None:
            raise TestError(f"the service has ended with {process.returncode}: {self.service.log_tail()}")


def arguments_of(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="*", help="only attempts whose name or class has this in it")
    parser.add_argument("--list", action="store_true", help="print the attempts")
    parser.add_argument("--unguarded", action="store_true", help="only show that each works without the service")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="make the guarded attempts N times")
    parser.add_argument("--mode", choices=("prevent", "detect"), help="only the attempts in that mode")
    parser.add_argument("--man", action="store_true", help="write the attempts into man/holdfast-limitations.7")
    parser.add_argument("--man-check", action="store_true", help="fail if that page is not up to date")
    return parser.parse_args(argv)


def try_all(attacks: list[Attack], table: Table, lab: Lab, arguments):
    for attack in attacks:
        with lab.scope():
            table.run(attack, "unguarded", attack.unguarded, lab)
    for number in range(0 if arguments.unguarded else arguments.repeat):
        for mode in (arguments.mode,) if arguments.mode else ("prevent", "detect"):
            begin = time.monotonic()
            with lab.scope():
                try:
                    Mode(lab, mode, table, number).run([a for a in attacks if mode in a.modes])
                except TestError as why:
                    table.failed += 1
                    print(f"FAIL {mode}: {why}", flush=True)
            print(f"{mode} mode, run {number + 1}: {time.monotonic() - begin:.0f} s, {table.failed} failed so far", flush=True)


def main() -> int:
    arguments = arguments_of(sys.argv[1:])
    attacks = load(arguments.pattern)
    if arguments.man or arguments.man_check:
        return manual.write(attacks) if arguments.man else manual.check(attacks)
    if arguments.list:
        print("\n".join(f"{a.name}: {a.row}" for a in attacks))
        return 0
    if not DAEMON.exists() and not arguments.unguarded:
        print(f"{DAEMON} is not there: ./dev build makes it", file=sys.stderr)
        return 2
    env.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    table, lab = Table(attacks), Lab(["crun"])
    try:
        try_all(attacks, table, lab, arguments)
    finally:
        lab.close()
    table.print()
    return 1 if table.failed or not table.passed else 0


if __name__ == "__main__":
    sys.exit(main())
