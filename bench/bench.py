"""./dev bench: measures Holdfast side by side with no service, and prints one table. Needs bench/run.sh's programs."""

import argparse
import contextlib
import fcntl
import json
import os
import platform
import shutil
import signal
import sys
import time
from pathlib import Path

from lines import capture, denial, exec_cost, scale, start, unpack
from rig.host import STAGE, BenchError, remove_cgroups, responders
from rig.lab import Lab
from rig.table import Row, as_json, table

LINES = {"exec": exec_cost, "denial": denial, "capture": capture, "start": start, "scale": scale,
         "unpack": unpack}
PLACE, NAME = Path("/var/tmp"), "holdfast-bench."


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures Holdfast on this machine.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: about a minute, and more noise")
    parser.add_argument("--only", action="append", choices=LINES, metavar="NAME",
                        help=f"these lines alone; may be repeated: {', '.join(LINES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there as well")
    options = parser.parse_args()
    if not (STAGE / "usr/sbin/holdfastd").exists():
        parser.error(f"there is no service in {STAGE}: run ./dev build")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("ended by a signal"))
    begin, machine = time.monotonic(), _machine()
    print(_headline(machine), flush=True)
    with _work_folder() as folder:
        rows, notes, failures = _measure(options, folder)
    seconds = time.monotonic() - begin
    print(f"\n{table(rows)}\n")
    print("Ratios and differences are medians of rounds in which both sides were measured in turns; noise: the reference\n"
          "against itself in the same rounds (p10..p90).")
    for text in [*notes, *failures]:
        print(text)
    print(f"{seconds:.0f} s")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "quick": options.quick, "seconds": seconds,
                                            "rows": [as_json(row) for row in rows], "notes": notes,
                                            "failures": failures}, indent=1))
    return 1 if failures else 0


def _measure(options, folder: Path):
    rows, notes, failures = [], [], []
    for name in options.only or LINES:
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        try:
            with Lab(folder / name, options.quick) as lab:
                rows += LINES[name].measure(lab)
                notes += lab.notes
        except (BenchError, OSError) as error:
            rows.append(Row(name, result="not measured"))
            failures.append(f"{name}: NOT MEASURED: {error}")
    return rows, notes, failures


@contextlib.contextmanager
def _work_folder():
    """A directory of this run alone. What a killed run left is removed: it holds no lock any more."""
    for old in PLACE.glob(f"{NAME}*"):
        with open(old / "lock", "a") as lock, contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old)
    folder = PLACE / f"{NAME}{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        with open(folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        remove_cgroups()


def _machine() -> dict:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"kernel": platform.release(), "cores": os.cpu_count(), "processor": model, "load": os.getloadavg()[0],
            "other_responders": sorted(responders().values())}


def _headline(machine: dict) -> str:
    lines = [f"Linux {machine['kernel']}, {machine['cores']} cores ({machine['processor']}), load {machine['load']:.2f}"]
    if machine["load"] > 0.5:
        lines.append("THIS MACHINE IS BUSY: do not trust a result that is within its noise")
    if machine["other_responders"]:
        lines.append(f"ANOTHER FANOTIFY RESPONDER RUNS: {', '.join(machine['other_responders'])}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
