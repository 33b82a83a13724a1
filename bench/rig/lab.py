"""What one line of the bench works with; all of it ends with the line, however that ends."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from .container import Container, Root
from .host import (PROGRAMS, BenchError, Namespace, die_with_parent, marked_devices, read_line, responders, stop,
                   wait_until)
from .service import Service


class Lab:
    def __init__(self, folder: Path, quick: bool):
        self.folder, self.quick = folder, quick
        self.notes: list[str] = []
        self._stack = contextlib.ExitStack()
        folder.mkdir()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_):
        try:
            self._stack.close()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def note(self, text: str):
        """A sentence below the table."""
        self.notes.append(text)

    def service(self, name: str, runtime: Path) -> Service:
        return self._stack.enter_context(Service(self.folder / name, runtime))

    def namespace(self) -> Namespace:
        namespace = Namespace()
        self._stack.callback(namespace.close)
        return namespace

    def root(self, name: str, namespace: Namespace, lower: list[Path]) -> Root:
        return self._stack.enter_context(Root(self.folder / name, namespace, lower))

    def start(self, root: Root, runtime: Path, name: str) -> Container:
        return self._stack.enter_context(Container(root, runtime, name))

    def allow_all(self, container: Container) -> subprocess.Popen:
        """The responder that the bench compares with, for one container."""
        process = subprocess.Popen([PROGRAMS / "allow_all", f"/proc/{container.pid()}/root"], stdout=subprocess.PIPE,
                                   text=True, preexec_fn=die_with_parent)
        self._stack.callback(process.stdout.close)
        self._stack.callback(stop, process)
        if read_line(process) != "ready":
            raise BenchError("the allow-all responder is not ready")
        return process


def wait_captured(service: Service, done: int):
    """Waits until at least `done` captures of this service's life have ended, and none is under way."""
    def idle():
        health = service.status()["baselines"]
        if health["captures_failed"] != 0:
            raise BenchError(f"a capture failed: {service.log()}")
        return health["captures_done"] >= done and health["captures_running"] == 0

    wait_until("the capture", idle, 60)


def require_prevent(service: Service, container: Container):
    """That what is measured is what the line says: a container in prevent mode with a complete baseline."""
    for known in service.containers():
        if known["id"] == container.id:
            if known["mode"] != "prevent" or known["baseline"]["state"] != "complete":
                raise BenchError(f"{container.id} is not as it should be: {known}")
            break
    else:
        raise BenchError(f"the service does not know {container.id}: {service.log()}")
    if container.root.device() not in marked_devices(service.process.pid):
        raise BenchError(f"the service has not marked the superblock of {container.id}")


def require_alone(containers: list[Container], pids: set[int]):
    """That nobody but these processes has marked one of the containers: another service on this machine would answer
    for them too, and what was measured would be both."""
    devices = {container.root.device() for container in containers}
    for pid, name in responders().items():
        with contextlib.suppress(OSError):  # it may have ended
            if pid not in pids and marked_devices(pid) & devices:
                raise BenchError(f"{name} (pid {pid}) has marked a container of the bench: stop it and try again")
