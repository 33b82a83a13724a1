"""A program on a terminal of its own: what a person would see."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from .env import TestError

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """Starts a program on a terminal of so many columns; `text` is what it has written, with \\n for the line ends."""

    def __init__(self, *argv, columns: int, env: dict | None = None):
        self.raw, self.pid = b"", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
            os.execve(str(argv[0]), [str(a) for a in argv], {"PATH": os.environ["PATH"], "TERM": "xterm", **(env or {})})

    @property
    def text(self) -> str:
        return self.raw.decode(errors="replace").replace("\r\n", "\n")

    @property
    def plain(self) -> str:
        return _STYLE.sub("", self.text)

    def read(self, until: str | None = None, timeout=10.0) -> "Screen":
        """To the program's end, or until the text has been seen."""
        end = time.monotonic() + timeout
        while until is None or until not in self.plain:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise TestError(f"the terminal does not show {until!r} within {timeout} s: {self.plain[-600:]!r}")
            try:
                block = os.read(self.fd, 65536)
            except OSError:  # EIO: nobody has the other end any more
                block = b""
            if not block:
                if until is not None:
                    raise TestError(f"the program ended without showing {until!r}: {self.plain[-600:]!r}")
                break
            self.raw += block
        return self

    def close(self) -> int:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        os.close(self.fd)
        return os.waitpid(self.pid, 0)[1]
