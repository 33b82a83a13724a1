"""Finds the tests, runs them one after the other, and reports each in a line."""

import fnmatch
import importlib
import inspect
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .env import Skip, TestError
from .lab import Lab


@dataclass
class Case:
    """One test, of one runtime where it is made for each."""

    module: object
    function: Callable
    runtime: str = ""

    @property
    def name(self) -> str:
        base = self.module.__name__.removeprefix("test_") + "." + self.function.__name__.removeprefix("test_")
        return f"{base}[{self.runtime}]" if self.runtime else base


def find(folder: Path, runtimes: list[str]) -> list[Case]:
    """Every test_* function of the folder's test_*.py, in order; those that take a `runtime` once for each (or for
    each of the module's own RUNTIMES)."""
    sys.path.insert(0, str(folder))
    cases = []
    for file in sorted(folder.glob("test_*.py")):
        module = importlib.import_module(file.stem)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and function.__module__ == file.stem:
                wanted = getattr(module, "RUNTIMES", runtimes) if "runtime" in inspect.signature(function).parameters else [""]
                cases += [Case(module, function, runtime) for runtime in wanted]
    cases.sort(key=lambda c: (c.module.__name__, c.function.__code__.co_firstlineno))
    return cases


def fits(case: Case, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(case.name, p) or p in case.name for p in patterns)


class Report:
    """Lines and their sum."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name: str, function: Callable, *arguments) -> bool:
        begin = time.monotonic()
        try:
            note = function(*arguments)
        except Skip as why:
            self.skipped += 1
            print(f"SKIP {name}: {why}", flush=True)
        except TestError as why:
            self.fail(name, str(why))
        except Exception:  # a test that breaks is a failure of that test, not of the run
            self.fail(name, traceback.format_exc().strip())
        else:
            self.passed += 1
            print(f"ok {name} ({time.monotonic() - begin:.1f}s){f': {note}' if note else ''}", flush=True)
            return True
        return False

    def fail(self, name: str, why: str):
        self.failed += 1
        print(f"FAIL {name}: {why if len(why) < 3000 else why[:1500] + ' … ' + why[-1500:]}", flush=True)

    def sum(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed or not self.passed else 0


def run_cases(cases: list[Case], lab: Lab, report: Report):
    """Tests that ask for `shared` get their module's Shared(lab), made for the first and closed after the last."""
    shared, begun, problem = None, False, None
    for case, following in zip(cases, [*cases[1:], None]):
        wanted = inspect.signature(case.function).parameters

        def one(case=case, wanted=wanted):
            nonlocal shared, begun, problem
            values = {"lab": lab, "runtime": case.runtime}
            if "shared" in wanted:
                if not begun:
                    begun = True  # a set-up that failed is not tried again for every test
                    try:
                        shared = case.module.Shared(lab)
                    except Exception as why:
                        problem = why
                if shared is None:
                    raise problem
                values["shared"] = shared
            try:
                with lab.scope():
                    return case.function(**{name: values[name] for name in wanted})
            except (TestError, OSError) as why:
                raise TestError(f"{why}{_service_log(shared)}") from why

        report.run(case.name, one)
        if following is None or following.module is not case.module:
            report_end = shared.close if shared else lambda: None
            shared, begun = None, False
            try:
                report_end()
                lab.clean()
            except Exception as why:
                report.fail(f"{case.module.__name__.removeprefix('test_')}.end", str(why))


def _service_log(shared) -> str:
    service = getattr(shared, "service", None)
    if service and service.process and service.process.poll() is not None:
        return f"\n  the service has ended with {service.process.returncode}: {service.log_tail()}"
    return ""
