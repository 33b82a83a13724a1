"""What the tests inside the machine use: commands, the unit, the journal, containers under load."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

IMAGE = "localhost/hfvm:1"
# Longer than an emulated machine with two processors needs for anything.
HUNG_MS = 20_000
POLICY = Path("/etc/holdfast/policy.d/10-vm.policy")
CONF = Path("/etc/holdfast/holdfast.conf")
# Processes of the container's own: image programs, and a drifted one. Each says in the end what came of it.
LOAD = """cat /bin/busybox >/tmp/true; echo x >>/tmp/true; chmod +x /tmp/true; /tmp/true && echo >/tmp/ran; echo >/tmp/tried
/attack/execloop 3600000 1 /bin/true /bin/echo >/tmp/image.txt &
/attack/execloop 3600000 1 /tmp/true >/tmp/drift.txt; wait"""
# The same by a shell, which counts as it goes.
LOOP = """cat /bin/busybox >/tmp/busybox-x; echo x >>/tmp/busybox-x; chmod +x /tmp/busybox-x; n=0
while :; do /bin/true; n=$((n+1)); echo $n >/tmp/count; /tmp/busybox-x true 2>/dev/null && echo $n >>/tmp/ran; done"""


class Failed(Exception):
    pass


def run(*argv, check=True, timeout=120, stdin=None) -> str:
    """The output of a command, which goes through a file: what it leaves behind keeps no pipe of ours."""
    with open("/run/hfvm.out", "w+b") as out:
        try:
            done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{' '.join(map(str, argv))}: no end after {timeout} s") from None
        out.seek(0)
        text = out.read().decode(errors="replace")
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, argv))}: exit status {done.returncode}: {text.strip()[-500:]}")
    return text


def until(what: str, condition, timeout=60.0):
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {timeout:.0f} s")
        time.sleep(0.1)
    return value


def check(condition, complaint):
    if not condition:
        raise Failed(str(complaint))


def unit(key: str, name="holdfast.service") -> str:
    return run("systemctl", "show", "-P", key, name).strip()


def main_pid() -> int:
    return int(unit("MainPID"))


def is_active(other_than=0) -> bool:
    """One call: each costs an emulated machine a while."""
    shown = run("systemctl", "show", "-p", "MainPID", "-p", "ActiveState", "-p", "SubState", "holdfast.service").split()
    return "ActiveState=active" in shown and "SubState=running" in shown and f"MainPID={other_than}" not in shown


def kill_and_wait() -> float:
    """SIGKILL, as a crash; returns how long it took until the next service was ready."""
    pid, begin = main_pid(), time.monotonic()
    check(pid > 1, "no service runs")
    os.kill(pid, signal.SIGKILL)
    until("the next service", lambda: is_active(pid))
    return time.monotonic() - begin


def holdfast(*argv):
    # Exit status 1 is a finding, such as an exposure.
    text = run("holdfast", *argv, "--json", check=False)
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise Failed(f"holdfast {' '.join(argv)}: {text.strip()[-300:]}") from None


def listed(name: str):
    return next((c for c in holdfast("containers")["containers"] if c["name"] == name), None)


def alerts(**wanted) -> list[dict]:
    """Entries of the real journal with these fields."""
    run("journalctl", "--sync")
    out = run("journalctl", "-t", "holdfastd", "-o", "json", "--no-pager", *(f"HOLDFAST_{k.upper()}={v}" for k, v in wanted.items()), check=False)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def inside(name: str, script: str, check=True) -> str:
    return run("podman", "exec", name, "/bin/sh", "-c", script, check=check)


def start(name: str, script="exec sleep 100000"):
    run("podman", "run", "-d", "--network=none", "--name", name, IMAGE, "/bin/sh", "-c", script)


def upper(name: str) -> Path:
    return Path(run("podman", "container", "inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", name).strip())


def number(file: Path) -> int:
    try:
        return int(file.read_text() or 0)
    except (OSError, ValueError):
        return 0


class Load:
    """A container in prevent mode whose processes execute image programs and a drifted one, without a pause."""

    def __init__(self, name: str):
        self.name = name
        start(name, LOAD)
        self.folder = upper(name) / "tmp"
        until("the first attempt", lambda: (self.folder / "tried").exists())

    def end(self, at_least: int) -> str:
        """Nothing hangs, no drift has run, and of image code nothing was refused that nobody was told of."""
        inside(self.name, "touch /tmp/stop")
        run("podman", "wait", self.name)
        image, drift = (self._counts(file) for file in ("image.txt", "drift.txt"))
        told = len([a for a in alerts(container_name=self.name) if "nothing proves what it is" in a["MESSAGE"]])
        run("podman", "rm", "-f", "-t", "0", self.name)
        said = f"image code {image}, drift {drift}, told as past finding: {told}"
        check(drift["ran"] == 0 and not (self.folder / "ran").exists(), f"drift ran: {said}, {[a['MESSAGE'] for a in alerts(container_name=self.name, verdict='allow')]}")
        check(image["denied"] + image["other"] <= min(told, at_least // 10), f"image code was refused: {said}")
        check(image["ran"] > at_least and drift["denied"] > at_least, f"little was executed: {said}")
        stall = max(image["slowest"], drift["slowest"])
        check(stall < HUNG_MS, f"an execution hung: {said}")
        return f"{said}; longest stall of an execution {stall} ms"

    def _counts(self, file: str) -> dict[str, int]:
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", (self.folder / file).read_text())}


class Loop:
    """The same, one after the other, by a shell that counts: `ran` is what drifted and ran all the same."""

    def __init__(self, name: str):
        self.name = name
        start(name, LOOP)
        self.folder = upper(name) / "tmp"
        self.goes_on()

    def count(self) -> int:
        return number(self.folder / "count")

    def goes_on(self, timeout=60) -> float:
        """Seconds until it has gone on."""
        begin, before = time.monotonic(), self.count()
        until(f"the next execution in {self.name}", lambda: self.count() > before + 2, timeout)
        return time.monotonic() - begin

    def ran(self) -> int:
        file = self.folder / "ran"
        return len(file.read_text().split()) if file.exists() else 0

    def end(self):
        run("podman", "rm", "-f", "-t", "0", self.name)


def kept_descriptors() -> int:
    return int(unit("NFileDescriptorStore") or 0)


def said_by(name: str, since: float) -> list[str]:
    """What a unit, or systemd of it, has written to the journal since that time."""
    run("journalctl", "--sync")
    return run("journalctl", "-u", name, "--no-pager", "-o", "cat", "--since", f"@{since:.0f}", check=False).splitlines()
