"""Drives tests/tools/racer.c in a container."""

from dataclasses import dataclass, fields

from harness.env import TestError
from harness.runtimes import Container

MODES = {
    "held": "a writable mapping whose descriptor is closed (kernel fact 19)",
    "window": "a writable mapping made and given up in a tight loop",
    "write": "open, write, close in a tight loop",
    "truncate": "truncate(2), which breaks no lease (kernel fact 20)",
    "exchange": "renameat2(RENAME_EXCHANGE) with a payload",
    "replace": "rename of a payload over the file, and back",
    "links": "written through another hard link, and a hard link of a payload in its place",
}


@dataclass
class Outcome:
    """How often what happened; `evil` are executions of changed bytes."""

    good: int
    evil: int
    denied: int
    busy: int
    changes: int

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def attempts(self) -> int:
        return self.good + self.evil + self.denied + self.busy

    def __str__(self):
        return f"good {self.good}, evil {self.evil}, denied {self.denied}, busy {self.busy}, changes {self.changes}"


def race(container: Container, mode: str, milliseconds: int) -> Outcome:
    """Each mode has a chameleon of its own in the image, untouched so far."""
    file = f"/opt/chameleon-{1 + list(MODES).index(mode)}"
    container.sh("cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil")
    counts = _counts(container.exec("/attack/racer", mode, milliseconds, file, "/tmp/evil", timeout=milliseconds / 1000 + 30).out)
    evil = counts["evil"] + counts["killed"]
    if mode in ("exchange", "replace", "links"):  # there it is the payload that runs, and leaves its marker
        evil += container.ran(file.rsplit("/", 1)[1])
    return Outcome(counts["good"], evil, counts["denied"], counts["busy"], counts["changes"])


def copy_up(container: Container, half: str, *options: str) -> Outcome:
    """500 untouched programs (the even or the odd half), each copied up and changed while it is first executed."""
    counts = _counts(container.sh(f"/attack/copyup {' '.join(options)} /opt/fresh/??{'[02468]' if half == 'even' else '[13579]'}", timeout=60).out)
    return Outcome(counts["good"], counts["evil"] + counts["killed"], counts["denied"], counts["busy"], counts["changes"])


def reuse(container: Container, seconds: float) -> Outcome:
    """A new file with the inode number, size and mtime of one that just ran, in a loop."""
    container.sh("mkdir -p /tmp/reuse")
    counts = _counts(container.exec("/attack/reuse", "--for", max(1, int(seconds)), "/tmp/reuse/t", "/usr/local/bin/tool",
                                    "/attack/payload.bin", "reused", timeout=seconds + 30).out)
    return Outcome(counts["good"], counts["evil"], counts["denied"], 0, counts["changes"])


def _counts(out: str) -> dict[str, int]:
    line = (out.strip().splitlines() or [""])[-1]
    if not line.startswith("good="):
        raise TestError(f"the racer did not come to its end: {out[-400:]!r}")
    return {key: int(value) for key, value in (word.split("=") for word in line.split())}
