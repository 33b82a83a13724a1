"""Reads the service's alerts from its JSON lines, waits for them, and counts them exactly."""

import os
import threading
import time
from itertools import count
from pathlib import Path

from . import schema
from .env import PREFIX, TestError, wait_until

_fences = count(1)


def is_ours(container: dict) -> bool:
    """Whether a container, as an alert or `containers` calls it, is the tests': others may run on the machine."""
    return (container.get("name") or container.get("id") or "").startswith(PREFIX)


class Alerts:
    """Each line is parsed once, since tests ask again and again. Any thread; what it gives is to be read only."""

    def __init__(self, path: Path):
        self.path = path
        self._lock, self._file, self._read, self._alerts = threading.Lock(), None, 0, []

    def all(self) -> list[dict]:
        with self._lock:
            if self.path.exists():
                self._read_on()
            else:
                self._file, self._read, self._alerts = None, 0, []
            return list(self._alerts)

    def _read_on(self):
        with open(self.path, "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._file or found.st_size < self._read:
                self._file, self._read, self._alerts = found.st_ino, 0, []
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]  # what follows the last newline is still being written
        if whole:
            self._alerts += [alert for line in whole.split(b"\n") if (alert := schema.parsed(line)) is not None]
            self._read += len(whole) + 1

    def drift(self, container=None, **wanted) -> list[dict]:
        """Drift alerts of a container (any of ours, if none is given) with these values: reason, verdict, mode, path …"""
        found = [a for a in self.all() if a["kind"] == "drift"]
        if container is None:
            found = [a for a in found if is_ours(a.get("container", {}))]
        else:
            found = [a for a in found if a.get("container", {}).get("id") == container.id]
        for key, value in wanted.items():
            found = [a for a in found if (a["file"].get("path") if key == "path" else a.get(key)) == value]
        return found

    def wait(self, container=None, number=1, timeout=10.0, **wanted) -> list[dict]:
        """Waits until there are so many; more than `number` is an error too."""
        end = time.monotonic() + timeout
        while len(found := self.drift(container, **wanted)) < number:
            if time.monotonic() > end:
                raise TestError(f"{len(found)} of {number} alerts {wanted} within {timeout} s; all of the container's: "
                                f"{[brief(a) for a in self.drift(container)][-12:] or [brief(a) for a in self.all()][-6:]}")
            time.sleep(0.01)
        if len(found) > number:
            raise TestError(f"{len(found)} alerts {wanted} instead of {number}: {[brief(a) for a in found][:8]}")
        return found

    def fence(self, container):
        """Waits until every alert of what the container has executed so far is written: by an execution that alerts."""
        name = f"/tmp/fence-{next(_fences)}"
        container.sh(f"cp /attack/payload-2.bin {name}; chmod 755 {name}; {name} fence")
        wait_until("the fence's alert", lambda: self.drift(container, path=name))

    def expect_none(self, container, **wanted):
        """That nothing the container has executed so far has been reported (fences aside)."""
        self.fence(container)
        found = [a for a in self.drift(container, **wanted) if "/fence-" not in a["file"].get("path", "")]
        if found:
            raise TestError(f"alerts where none should be: {[brief(a) for a in found][:8]}")


def brief(alert: dict) -> str:
    file = alert.get("file", {})
    return (f"{alert.get('verdict', alert['kind'])} {alert.get('reason', '')} {file.get('path', alert.get('message', ''))} "
            f"in {alert.get('container', {}).get('id', '?')[:24]} repeats={alert.get('repeats', 0)}")
