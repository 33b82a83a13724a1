"""CRI, as Kubernetes uses it: a pod sandbox with one container in it, in containerd."""

from pathlib import Path

from ..env import WORK, Skip, run, wait_until
from .base import Container, Result, Runtime
from .containerd import Containerd

_CLIENT = Path(__file__).with_name("cri_client.py")
_NAMESPACE = "k8s.io"


class Cri(Runtime):
    name = "cri"
    programs = ["containerd", "ctr", "containerd-shim-runc-v2", "runc"]
    restarts = False  # a kubelet makes a new container instead

    def __init__(self, containerd: Containerd, images):
        super().__init__(images)
        self.containerd = containerd

    def cri(self, *argv, timeout=60, check=False) -> Result:
        return run("/usr/bin/python3", _CLIENT, self.containerd.socket, *argv, timeout=timeout, check=check)

    def up(self):
        if run("/usr/bin/python3", "-c", "import grpc").status != 0:
            raise Skip("python3-grpcio is not installed")
        self.containerd.up()
        self.containerd.load(_NAMESPACE, self.images.archive)

    def names(self, container: Container) -> dict[str, str]:
        # `namespace` is the pod's, as everybody who reads a Kubernetes alert expects
        return {"name": f"{container.name}-ctr", "image": container.image.reference, "namespace": "default",
                "pod": container.name}

    def make(self, container: Container):
        logs = WORK / "cri-logs"
        # the CRI image store learns of an import a moment later
        sandbox = wait_until("pod sandbox", lambda: (r := self.cri("sandbox", container.name, logs)).status == 0 and r, 20, 0.2)
        container.sandbox = sandbox.out.strip().splitlines()[-1]
        created = self.cri("create", container.sandbox, container.name, container.image.reference, logs, *container.argv,
                           check=True)
        container.id = created.out.strip().splitlines()[-1]
        container.pod = container.name
        container.upper = self.containerd.upper(_NAMESPACE, container.id)

    def start(self, container: Container) -> Result:
        return self.cri("start", container.id)

    def exec(self, container: Container, argv: list[str], timeout: float) -> Result:
        return self.cri("exec", container.id, *argv, timeout=timeout)

    def pid(self, container: Container) -> int:
        lines = self.containerd.ctr(_NAMESPACE, "task", "ls", check=True).out.splitlines()
        return next(int(words[1]) for words in map(str.split, lines) if words[0] == container.id)

    def stop(self, container: Container):
        self.cri("stop", container.id)

    def remove(self, container: Container):
        self.stop(container)
        self.cri("remove", container.id)
        self.cri("remove-sandbox", container.sandbox)

    def down(self):
        self.containerd.down()
