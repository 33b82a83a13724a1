"""Docker over our containerd, with a data root and sockets of its own."""

import json
from pathlib import Path

from ..env import RUN, WORK, run, spawn, stop_process, wait_until
from .base import Container, Result, Runtime
from .containerd import Containerd


class Docker(Runtime):
    name = "docker"
    programs = ["docker", "dockerd", "containerd", "runc"]

    def __init__(self, containerd: Containerd, images):
        super().__init__(images)
        self.containerd, self.process = containerd, None
        self.socket = RUN / "docker.sock"

    def docker(self, *argv, timeout=60, check=False) -> Result:
        return run("docker", "-H", f"unix://{self.socket}", "--config", WORK / "docker-client", *argv, timeout=timeout,
                   check=check)

    def up(self):
        self.containerd.up()
        config = WORK / "docker.json"
        config.write_text(json.dumps({
            "iptables": False, "ip6tables": False, "ip-forward": False, "ip-masq": False, "bridge": "none",
            "storage-driver": "overlay2", "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 1024}},
            "containerd": str(self.containerd.socket), "data-root": str(WORK / "docker"), "exec-root": str(RUN / "docker"),
            "pidfile": str(RUN / "docker.pid"), "hosts": [f"unix://{self.socket}"]}))
        self.process = spawn("dockerd", "--config-file", config, log=WORK / "dockerd.log")
        wait_until("dockerd answers", lambda: self.socket.exists() and self.docker("version", timeout=10).status == 0, 30, 0.05)
        self.docker("load", "-q", "-i", self.images.archive, check=True)

    def make(self, container: Container):
        container.id = self.docker("create", "--network", "none", *container.label(), *container.options, "--name", container.name,
                                   container.image.reference, *container.argv, check=True).out.strip()
        info = self.inspect(container)
        container.upper = Path(info["GraphDriver"]["Data"]["UpperDir"])

    def inspect(self, container: Container) -> dict:
        return json.loads(self.docker("inspect", container.name, check=True).out)[0]

    def start(self, container: Container) -> Result:
        return self.docker("start", container.name)

    def exec(self, container: Container, argv: list[str], timeout: float) -> Result:
        return self.docker("exec", container.name, *argv, timeout=timeout)

    def pid(self, container: Container) -> int:
        return self.inspect(container)["State"]["Pid"]

    def stop(self, container: Container):
        self.docker("stop", "-t", "0", container.name, check=True)

    def remove(self, container: Container):
        self.docker("rm", "-f", container.name)

    def down(self):
        if self.process:
            for container in self.docker("ps", "-aq").out.split():
                self.docker("rm", "-f", container)
            stop_process(self.process, timeout=30)
            self.process = None
