"""What is executed past the gate, and what a program can do before it is killed for it."""

import mmap
import struct
from pathlib import Path

from harness.lab import Lab
from harness.runtimes import Container

# A tmpfs that is mounted nowhere: nobody can mark it.
HIDDEN = "/attack/memrun detached"


def with_mounts(lab: Lab) -> Container:
    """A running container that may mount."""
    container = lab.create()
    container.capabilities.append("CAP_SYS_ADMIN")
    container.plant("/tmp/keep", b"", 0o644)
    container.start()
    return container


class Stamps:
    """The page that tests/tools/stamp.c writes; times in nanoseconds of CLOCK_MONOTONIC."""

    SIZE = 4096

    def __init__(self, container: Container, name: str):
        container.sh(f"dd if=/dev/zero of=/tmp/{name} bs={self.SIZE} count=1 2>/dev/null")
        self.path, self.file = f"/tmp/{name}", Path(container.upper) / "tmp" / name

    def read(self) -> tuple[int, int, bool, bool]:
        """(began, last, had a socket, wrote a file); zeros if it never began."""
        with open(self.file, "rb") as file, mmap.mmap(file.fileno(), self.SIZE, access=mmap.ACCESS_READ) as page:
            began, last, sockets, files = struct.unpack_from("4q", page)
        return began, last, bool(sockets), bool(files)
