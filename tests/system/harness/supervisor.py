"""A supervisor that keeps descriptors for the service, as systemd does: what is sent with FDSTORE=1 is passed to the next
service, FDSTOREREMOVE=1 drops it. Every stop is one of a restart: what is kept stays until `drop`."""

import array
import os
import select
import signal
import socket
import threading
import time

from .env import TestError, end_of, on_host, spawn
from .service import Service

_SHELL = 'export LISTEN_PID=$$; exec "$@"'


class KeptService(Service):
    """`kept` has the descriptors by name. `watchdog` as systemd's WatchdogSec=, in seconds."""

    def __init__(self, name: str, watchdog: float = 0, **options):
        super().__init__(name, **options)
        self.kept: dict[str, int] = {}
        self.watchdog, self.fed, self.states = watchdog, 0, []
        self._ready, self._lock = threading.Event(), threading.Lock()
        self._path = self.folder / "notify"
        self._path.unlink(missing_ok=True)
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._channel.bind(str(self._path))
        self._ended, self._end_write = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            readable, _, _ = select.select([self._channel, self._ended], [], [])
            if self._channel in readable:
                self._take(*self._receive())
            elif self._ended in readable:
                return

    def _receive(self):
        data, ancillary, _, _ = self._channel.recvmsg(4096, socket.CMSG_SPACE(64 * 4))
        fds = array.array("i")
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
        return dict(line.split("=", 1) for line in data.decode().split("\n") if "=" in line), list(fds)

    def _take(self, message: dict[str, str], fds: list[int]):
        with self._lock:
            if message.get("FDSTORE") == "1":
                for fd in fds:
                    if (old := self.kept.get(message["FDNAME"])) is not None:
                        os.close(old)
                    self.kept[message["FDNAME"]] = fd
            elif message.get("FDSTOREREMOVE") == "1" and message.get("FDNAME") in self.kept:
                os.close(self.kept.pop(message["FDNAME"]))
        self.states += [key for key in ("READY", "STOPPING", "RELOADING") if key in message]
        self.fed += message.get("WATCHDOG") == "1"
        if "READY" in message:
            self._ready.set()

    def start(self, timeout=20, wait=True) -> "KeptService":
        self._ready.clear()
        with self._lock:
            names, fds = list(self.kept), list(self.kept.values())
        argv, options = on_host(*self.command())
        environment = {**os.environ, "NOTIFY_SOCKET": str(self._path)}
        if self.watchdog:
            environment["WATCHDOG_USEC"] = str(int(self.watchdog * 1e6))
        if names:
            environment |= {"LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(names)}
        # LISTEN_PID must be the service's own; the shell becomes nsenter, which becomes the service.
        first = options["pass_fds"][0]
        low = [os.dup(fd) for fd in fds]
        try:
            moves = " ".join(f"{3 + i}<&{fd}" for i, fd in enumerate(low))
            host = f"/proc/{os.getpid()}/fd/{first}"
            argv = [word.replace(f"/proc/self/fd/{first}", host) for word in map(str, argv)]
            script = f"exec {moves}; {_SHELL}" if moves else _SHELL
            self.process = spawn("/bin/bash", "-c", script, "sh", *argv, log=self.log, env=environment,
                                 pass_fds=(first, *low))
        finally:
            for fd in low:
                os.close(fd)
        if wait:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=20):
        end = time.monotonic() + timeout
        while not self._ready.wait(0.005):
            if self.process.poll() is not None:
                raise TestError(f"the service ended at its start: {self.process.returncode}: {self.log_tail()}")
            if time.monotonic() > end:
                raise TestError(f"the service was not ready within {timeout} s: {self.log_tail()}")

    def settle(self):
        """What the service has sent by now is taken."""
        while select.select([self._channel], [], [], 0)[0]:
            time.sleep(0.001)

    def drop(self):
        """As systemd does when the unit stays stopped."""
        self.settle()
        with self._lock:
            for fd in self.kept.values():
                os.close(fd)
            self.kept.clear()

    def stop(self):
        try:
            super().stop()
        finally:
            self.drop()

    def restart(self):
        """SIGTERM and a new start, as `systemctl restart`."""
        super().stop()
        self.start()

    def kill(self, sig=signal.SIGKILL):
        self.kills += sig == signal.SIGKILL
        self.process.send_signal(sig)
        end_of(self.process, 20)
        self.settle()

    def close(self):
        self.stop()
        os.write(self._end_write, b"x")
        self._thread.join(5)
        self._channel.close()
