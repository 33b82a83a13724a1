"""containerd, with directories and a socket of its own, and containers by `ctr`."""

import re
from pathlib import Path

from ..env import RUN, WORK, run, spawn, stop_process, wait_until
from .base import Container, Result, Runtime

_CONFIG = """version = 2
root = "{work}/containerd"
state = "{run}/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{work}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  disable_tcp_service = true
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  sandbox_image = "localhost/hftest-pause:1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
"""


class Containerd:
    """The daemon, shared by ctr, CRI and Docker."""

    def __init__(self):
        self.socket = RUN / "containerd.sock"
        self.process = None
        self._imported: set[str] = set()

    def up(self):
        if self.process:
            return
        config = WORK / "containerd.toml"
        config.write_text(_CONFIG.format(work=WORK, run=RUN, socket=self.socket))
        self.process = spawn("containerd", "-c", config, log=WORK / "containerd.log")
        wait_until("containerd answers", lambda: self.socket.exists() and
                   run("ctr", "-a", self.socket, "version", timeout=10).status == 0, 20, 0.05)

    def ctr(self, namespace: str, *argv, timeout=60, check=False) -> Result:
        return run("ctr", "-a", self.socket, "-n", namespace, *argv, timeout=timeout, check=check)

    def load(self, namespace: str, archive: Path):
        if namespace not in self._imported:
            self.ctr(namespace, "images", "import", "--all-platforms", archive, check=True)
            self._imported.add(namespace)

    def upper(self, namespace: str, key: str) -> Path:
        out = self.ctr(namespace, "snapshots", "--snapshotter", "overlayfs", "mounts", "/x", key, check=True).out
        return Path(re.search(r"upperdir=([^, ]+)", out).group(1))

    def down(self):
        if self.process:
            stop_process(self.process)
            self.process = None


class Ctr(Runtime):
    name = "containerd"
    programs = ["containerd", "ctr", "containerd-shim-runc-v2", "runc"]
    namespace = "hftest"

    def __init__(self, containerd: Containerd, images):
        super().__init__(images)
        self.containerd, self._execs = containerd, 0

    def up(self):
        self.containerd.up()
        self.containerd.load(self.namespace, self.images.archive)

    def names(self, container: Container) -> dict[str, str]:
        # ctr's containers have an id only, which is their name too
        return {"name": container.name, "image": container.image.reference, "namespace": self.namespace, "pod": ""}

    def ctr(self, *argv, **options) -> Result:
        return self.containerd.ctr(self.namespace, *argv, **options)

    def make(self, container: Container):
        self.ctr("c", "create", *container.label(), "--snapshotter", "overlayfs", container.image.reference, container.name, "--",
                 *container.argv, check=True)
        container.upper = self.containerd.upper(self.namespace, container.name)

    def start(self, container: Container) -> Result:
        return self.ctr("task", "start", "-d", container.name)

    def exec(self, container: Container, argv: list[str], timeout: float) -> Result:
        self._execs += 1
        return self.ctr("task", "exec", "--exec-id", f"exec-{self._execs}", container.name, *argv, timeout=timeout)

    def pid(self, container: Container) -> int:
        lines = self.ctr("task", "ls", check=True).out.splitlines()
        return next(int(words[1]) for words in map(str.split, lines) if words[0] == container.name)

    def stop(self, container: Container):
        self.ctr("task", "kill", "-s", "KILL", container.name)
        wait_until(f"end of {container.name}", lambda: self.ctr("task", "rm", container.name).status == 0 or
                   container.name not in self.ctr("task", "ls").out, 15, 0.05)

    def remove(self, container: Container):
        self.stop(container)
        self.ctr("c", "rm", container.name)

    def down(self):
        self.containerd.down()
