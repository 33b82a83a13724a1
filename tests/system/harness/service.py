"""The service under test: started as systemd would start it, in the host's mount namespace, with directories of its own."""

import contextlib
import json
import os
import select
import signal
import socket
import time
from pathlib import Path

from . import schema
from .alerts import Alerts, is_ours
from .env import RUN, STAGE, WORK, Result, TestError, end_of, on_host, run, spawn, stop_process

DAEMON, CLI = STAGE / "usr/sbin/holdfastd", STAGE / "usr/bin/holdfast"


class Service:
    """`drift`, `gate` and `service` are lines of those sections of holdfast.conf; `policies` are files by name."""

    def __init__(self, name: str, drift="Mode=prevent", gate="Deadline=5s\nOnDeadline=deny", service="",
                 policies: dict[str, str] | None = None, alerts: tuple[str, ...] = ()):
        self.folder = WORK / "services" / name
        self.state, self.policy_dir, self.runtime_dir = self.folder / "state", self.folder / "policy.d", RUN / name
        for folder in (self.state, self.policy_dir, self.runtime_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.config, self.log = self.folder / "holdfast.conf", self.folder / "log"
        self.configure(drift, gate, service)
        for file, text in (policies or {}).items():
            self.policy(file, text)
        self.alerts = Alerts(self.folder / "alerts.jsonl")
        self.sinks = [f"file:{self.alerts.path}", *alerts]
        self.prefix: list[str] = []  # a command that executes the service
        self.kills = 0
        self.process, self.checked = None, 0  # bytes of its alerts that were compared with the schema

    def configure(self, drift="Mode=prevent", gate="Deadline=5s\nOnDeadline=deny", service=""):
        self.config.write_text(f"[Service]\n{service}\n[Gate]\n{gate}\n[Drift]\n{drift}\n")

    def policy(self, file: str, text: str | None):
        """Writes a policy file, or removes it; takes effect with the next start or reload."""
        path = self.policy_dir / file
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def command(self) -> list[str]:
        return [*self.prefix, str(DAEMON), "--config", str(self.config), "--state-dir", str(self.state), "--runtime-dir",
                str(self.runtime_dir), "--policy-dir", str(self.policy_dir),
                *(word for sink in self.sinks for word in ("--alert", sink))]

    def start(self, timeout=20) -> "Service":
        """Returns when the service has said READY=1."""
        notify = self.folder / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.bind(str(notify))
            argv, options = on_host(*self.command())
            self.process = spawn(*argv, log=self.log, env={**os.environ, "NOTIFY_SOCKET": str(notify)}, **options)
            self._wait_ready(channel, timeout)
        return self

    def _wait_ready(self, channel, timeout):
        end = time.monotonic() + timeout
        pidfd = os.pidfd_open(self.process.pid)
        try:
            while (left := end - time.monotonic()) > 0:
                readable, _, _ = select.select([channel, pidfd], [], [], left)
                if channel in readable and "READY=1" in channel.recv(4096).decode().split("\n"):
                    return
                if pidfd in readable:
                    raise TestError(f"the service ended at its start: {self.process.wait(5)}: {self.log_tail()}")
        finally:
            os.close(pidfd)
        self.process.kill()
        raise TestError(f"the service was not ready within {timeout} s: {self.log_tail()}")

    def start_expecting_failure(self, timeout=20) -> Result:
        """For configurations that must be refused: the status and what was said."""
        argv, options = on_host(*self.command())
        offset = self.log.stat().st_size if self.log.exists() else 0
        self.process = spawn(*argv, log=self.log, **options)
        try:
            status = end_of(self.process, timeout)
        except Exception:
            self.process.kill()
            raise TestError("the service runs although it should have refused to start") from None
        return Result(status, self.log.read_text()[offset:])

    def stop(self):
        try:
            self._end()
        finally:
            self.checked = schema.check_lines(self.alerts.path, self.checked, self.kills)

    def _end(self):
        if self.process and self.process.returncode is None:
            status = stop_process(self.process)
            if status != 0:
                raise TestError(f"the service ended with status {status}: {self.log_tail()}")
            if "Sanitizer" in (log := self.log.read_text(errors="replace")):
                raise TestError(log[log.index("Sanitizer") - 200:][:3000])

    def kill(self):
        self.kills += 1
        self.process.send_signal(signal.SIGKILL)
        end_of(self.process, 20)

    def signal_reload(self):
        self.process.send_signal(signal.SIGHUP)

    def cli(self, *argv, timeout=30) -> Result:
        return run(CLI, argv[0], "--socket", self.runtime_dir / "control.sock", *argv[1:], timeout=timeout)

    def json(self, *argv, timeout=30):
        result = self.cli(*argv, "--json", timeout=timeout)
        try:
            return json.loads(result.out)
        except json.JSONDecodeError:
            raise TestError(f"holdfast {' '.join(argv)} --json: {result}") from None

    def containers(self, *fields: str) -> list:
        """What `containers` lists of ours, whatever else runs on the machine; of each only these fields, if any are named."""
        listed = [c for c in self.json("containers")["containers"] if is_ours(c)]
        return [tuple(c[field] for field in fields) for c in listed] if fields else listed

    def baseline_of(self, container) -> dict:
        """The row of `baseline list` for the container's image."""
        own = next(c for c in self.json("containers")["containers"] if c["id"] == container.id)["baseline"]["id"]
        return next(b for b in self.json("baseline", "list")["baselines"] if b["id"] == own)

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        lines = self.cli("metrics").out.splitlines()
        found = [float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name]
        if not found:
            raise TestError(f"no metric {name}")
        return sum(found)

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def fanotify_marks(self) -> list[str]:
        """What fdinfo says of the group's marks."""
        folder, marks = Path(f"/proc/{self.process.pid}/fdinfo"), []
        for file in folder.iterdir():
            with contextlib.suppress(OSError):
                marks += [line for line in file.read_text().splitlines() if line.startswith("fanotify ")]
        return marks

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace").strip()[-1000:] if self.log.exists() else ""
