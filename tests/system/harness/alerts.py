"""Reads the service's alerts from its JSON lines, waits for them, and counts them exactly."""

import json
import time
from itertools import count
from pathlib import Path

from .env import PREFIX, TestError, wait_until

_fences = count(1)


def is_ours(container: dict) -> bool:
    """Whether a container, as an alert or `containers` calls it, is the tests': others may run on the machine."""
    return (container.get("name") or container.get("id") or "").startswith(PREFIX)


class Alerts:
    def __init__(self, path: Path):
        self.path = path

    def all(self) -> list[dict]:
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]  # what follows the last newline is still being written
        return [json.loads(line) for line in lines]

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
