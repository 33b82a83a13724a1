#!/usr/bin/python3
"""Makes every attempt of this folder by real programs in real containers, and prints a table.

usage: tests/attacks/run.py [--list] [PATTERN…]

Each attempt is one file, attack_*.py; attack.py says what it holds. It must work where nothing guards, be denied in prevent
mode, and in detect mode give exactly one alert with the right reason. Needs root; the exit status is 0 if all is so.
"""

import argparse
import importlib
import signal
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(_HERE), str(_HERE.parent / "system")]

from attack import DEFAULT_POLICY, Attack  # noqa: E402
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
        self.cells: dict[tuple[str, str], str] = {}
        self.attacks, self.passed, self.failed, self.skipped = attacks, 0, 0, 0

    def run(self, attack: Attack, column: str, function, *arguments):
        try:
            self.cells[attack.name, column] = function(*arguments)
            self.passed += 1
        except Skip as why:
            self.skipped += 1
            self.cells[attack.name, column] = "SKIP"
            print(f"SKIP {attack.name} ({column}): {why}", flush=True)
        except (TestError, OSError) as why:
            self.failed += 1
            self.cells[attack.name, column] = "FAIL"
            print(f"FAIL {attack.name} ({column}): {str(why)[:1500]}", flush=True)

    def print(self):
        columns = ("unguarded", "prevent", "detect")
        rows = [("class", "attempt", *columns)]
        for attack in self.attacks:
            words = (attack.module.__doc__ or "").strip().splitlines()[0].rstrip(".")
            rows.append((attack.row, words, *(self.cells.get((attack.name, c), "") for c in columns)))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")


def reload(service: Service):
    result = service.cli("policy", "reload")
    if result.status != 0:
        raise TestError(f"policy reload: {result}")


def guarded(lab: Lab, attacks: list[Attack], mode: str, table: Table):
    """All attempts in one mode, under one service; policies of their own come before the common one."""
    early = {}
    for attack in attacks:
        if attack.get("WHEN") == "before":
            early[attack.name] = container = attack.prepare(lab, mode)
            attack.begin(container, mode)
    service = Service(f"attacks-{mode}", drift=f"Mode={mode}", gate="Deadline=3s\nOnDeadline=allow")
    service.policy("90-all.policy", DEFAULT_POLICY.replace("%MODE%", mode))
    lab.defer(service.stop)
    service.start()
    fence = lab.run()
    for attack in attacks:
        if attack.get("POLICY"):
            service.policy("10-own.policy", attack.policy(mode))
            reload(service)
        with lab.scope():
            container = early.get(attack.name) or attack.prepare(lab, mode)
            table.run(attack, mode, attack.guarded, container, service, fence, mode)
        if attack.get("POLICY"):
            service.policy("10-own.policy", None)
            reload(service)
        if service.process.poll() is not None:
            raise TestError(f"the service has ended with {service.process.returncode}: {service.log_tail()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="*", help="only attempts whose name or class has this in it")
    parser.add_argument("--list", action="store_true", help="print the attempts")
    parser.add_argument("--unguarded", action="store_true", help="only show that each works without the service")
    arguments = parser.parse_args()
    attacks = load(arguments.pattern)
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
        for attack in attacks:
            with lab.scope():
                table.run(attack, "unguarded", attack.unguarded, lab)
        for mode in () if arguments.unguarded else ("prevent", "detect"):
            with lab.scope():
                try:
                    guarded(lab, [a for a in attacks if mode in a.modes], mode, table)
                except TestError as why:
                    table.failed += 1
                    print(f"FAIL {mode}: {why}", flush=True)
    finally:
        lab.close()
    table.print()
    return 1 if table.failed or not table.passed else 0


if __name__ == "__main__":
    sys.exit(main())
