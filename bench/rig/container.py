"""Images of plain directories, and containers that crun makes of them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from .host import PREFIX, PROGRAMS, BenchError, Namespace, die_with_parent, read_line, remove_cgroups, stop

LISTED, LISTED_TOO, UNLISTED = (PROGRAMS / name / "crun" for name in ("listed", "listed-too", "unlisted"))


def base_layer(folder: Path) -> Path:
    """What every image of the bench has: the programs that are measured."""
    for name in ("bench", "proc", "dev", "tmp"):
        (folder / name).mkdir(parents=True)
    for name in ("worker", "nothing"):
        shutil.copy(PROGRAMS / name, folder / "bench" / name)
    return folder


def filler_layer(folder: Path, files: int, size: int) -> Path:
    """Executables of random bytes, each of its own content."""
    (folder / "opt").mkdir(parents=True)
    for i in range(files):
        path = folder / "opt" / f"filler-{i}"
        path.write_bytes(os.urandom(size))
        path.chmod(0o755)
    return folder


def renew(layer: Path, to: Path) -> Path:
    """The same files as an image that was never seen: a new layer directory, and a new identity for each file. No byte
    is copied, so the page cache stays as warm as it was."""
    to.mkdir()
    for name in os.listdir(layer):
        (layer / name).rename(to / name)
    layer.rmdir()
    for folder, _, names in os.walk(to):
        for name in names:
            os.utime(os.path.join(folder, name))
    return to


class Root:
    """A container's root file system: an overlay with an upper directory of its own, mounted in one namespace."""

    def __init__(self, folder: Path, namespace: Namespace, lower: list[Path]):
        self.folder, self.namespace, self.lower = folder, namespace, lower
        self.upper, self.path = folder / "upper", folder / "root"
        for path in (self.upper, folder / "work", self.path):
            path.mkdir(parents=True)

    def __enter__(self) -> "Root":
        self.namespace.mount_overlay(self.path, self.lower, self.upper, self.folder / "work")
        return self

    def __exit__(self, *_):
        self.namespace.unmount(self.path)
        shutil.rmtree(self.folder)

    def device(self) -> int:
        return self.namespace.device(self.path)


class Container:
    """`crun run` of a root. `runtime` decides whether a service sees it: see bench/run.sh."""

    def __init__(self, root: Root, runtime: Path, name: str, program="/bench/worker"):
        self.root, self.runtime, self.id = root, runtime, f"{PREFIX}-{name}"
        self.bundle, self.state = root.folder / "bundle", root.folder / "state"
        self.bundle.mkdir()
        (self.bundle / "config.json").write_text(json.dumps({
            "ociVersion": "1.0.2", "root": {"path": str(root.path)}, "hostname": "bench",
            "process": {"user": {"uid": 0, "gid": 0}, "args": [program], "cwd": "/", "env": ["PATH=/bench"]},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]}}))
        self.process = None

    def _command(self, *words) -> list:
        return [self.runtime, "--root", self.state, *words]

    def run_timed(self) -> int:
        """From the runtime's start to its end, when the container's only process has ended; nanoseconds."""
        return self.root.namespace.time(*self._command("run", "-b", self.bundle, self.id))

    def __enter__(self) -> "Container":
        """Starts it with a worker (bench/worker.c) in it."""
        with open(self.root.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                self.root.namespace.command(*self._command("run", "-b", self.bundle, self.id)), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, text=True, pass_fds=[self.root.namespace.fd],
                preexec_fn=die_with_parent)
        try:
            if read_line(self.process) != "ready":
                raise BenchError("the worker is not ready")
        except BaseException as error:
            self.__exit__()
            raise BenchError(f"{self.id} did not start: {self._log() or error}") from None
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # the worker ends with its input
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            stop(self.process)
            subprocess.run(self.root.namespace.command(*self._command("delete", "-f", self.id)), check=False,
                           pass_fds=[self.root.namespace.fd], stderr=subprocess.DEVNULL)
            remove_cgroups()
        self.process.stdout.close()

    def _log(self) -> str:
        return (self.root.folder / "log").read_text(errors="replace").strip()[-400:]

    def order(self, verb: str, times: int, program: str) -> list[int]:
        """What the worker measured, in nanoseconds."""
        self.process.stdin.write(f"{verb} {times} {program}\n")
        self.process.stdin.flush()
        answer = read_line(self.process)
        if answer.startswith("error"):
            raise BenchError(f"{verb} {program} in {self.id}: {answer.removeprefix('error ')}")
        return [int(word) for word in answer.split()]

    def pid(self) -> int:
        """The worker's, as the host sees it."""
        state = json.loads((self.state / self.id / "status").read_text())
        return state["pid"]
