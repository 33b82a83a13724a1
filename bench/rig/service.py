"""A measured service, with directories of its own."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

from .host import PREFIX, STAGE, BenchError, die_with_parent, stop


class Service:
    """Detect mode for whatever else runs on this machine; containers of the bench are in prevent mode."""

    def __init__(self, folder: Path, runtime: Path):
        self.folder = folder
        for name in ("state", "run", "policy.d"):
            (folder / name).mkdir(parents=True)
        (folder / "policy.d" / "bench.policy").write_text(f"[Match]\nContainer={PREFIX}-*\n[Drift]\nMode=prevent\n")
        (folder / "holdfast.conf").write_text(f"[Service]\nRuntime={runtime}\n[Drift]\nMode=detect\n")
        self.socket = folder / "run" / "control.sock"
        self.process = None

    def __enter__(self) -> "Service":
        notify = self.folder / "notify"
        with open(self.folder / "log", "wb") as log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.bind(str(notify))
            self.process = subprocess.Popen(
                [STAGE / "usr/sbin/holdfastd", "--config", self.folder / "holdfast.conf", "--state-dir",
                 self.folder / "state", "--runtime-dir", self.folder / "run", "--policy-dir", self.folder / "policy.d",
                 "--alert", f"file:{self.folder}/alerts"], env={**os.environ, "NOTIFY_SOCKET": str(notify)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
            try:
                self._wait_ready(channel)
            except BaseException:
                stop(self.process)
                raise
        return self

    def __exit__(self, *_):
        stop(self.process)

    def _wait_ready(self, channel):
        channel.settimeout(0.1)
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if b"READY=1" in channel.recv(4096).split(b"\n"):
                    return
            except TimeoutError:
                pass
        raise BenchError(f"the service did not start: {self.log()}")

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace").strip()[-600:]

    def ask(self, command: str) -> dict:
        """One request on the control socket, without a process for it."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(30)
            channel.connect(str(self.socket))
            channel.sendall(json.dumps({"command": command}).encode() + b"\n")
            answer = b"".join(iter(lambda: channel.recv(1 << 16), b""))
        last = json.loads(answer.splitlines()[-1])
        if not last.get("ok"):
            raise BenchError(f"{command}: {last}")
        return last["result"]

    def status(self) -> dict:
        return self.ask("status")

    def containers(self) -> list[dict]:
        return self.ask("containers")["containers"]

    def latency_buckets(self) -> dict[float, int]:
        """Upper bound in seconds → answers so far that took no longer (cumulative, as OpenMetrics has it)."""
        for family in self.ask("metrics")["families"]:
            if family["name"] == "holdfast_gate_latency_seconds":
                return {float(sample["labels"]["le"]): int(sample["value"]) for sample in family["samples"]
                        if "le" in sample["labels"]}
        raise BenchError("the service has no latency histogram")

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise BenchError("the service has no VmRSS")
