"""crun and runc by hand: overlay, bundle and life cycle are the tests' own."""

import contextlib
import json
import os
import shutil

from ..env import WORK, mount, run, umount, wait_until
from .base import Container, Result, Runtime

_CAPABILITIES = [f"CAP_{c}" for c in (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE").split()]


class Oci(Runtime):
    def __init__(self, program: str, images):
        super().__init__(images)
        self.name, self.program, self.programs = program, program, [program, "runc"]
        self.state = WORK / f"{program}-state"
        self.folder = WORK / program
        self._spec = None

    def up(self):
        scratch = WORK / f"{self.name}-spec"
        scratch.mkdir()
        run("runc", "spec", cwd=scratch, check=True)
        self._spec = json.loads((scratch / "config.json").read_text())

    def names(self, container: Container) -> dict[str, str]:
        return {"namespace": "", "pod": ""}  # nobody gave it a name or said what the image is called

    def make(self, container: Container):
        folder = self.folder / container.name
        for name in ("upper", "work", "root", "bundle"):
            (folder / name).mkdir(parents=True)
        container.upper = folder / "upper"
        container.mounts = []  # further OCI mounts; set before start
        container.capabilities = list(_CAPABILITIES)
        container.pid_namespace = ""  # "host", or the path of one to join; set before start
        container.cgroup_manager = ""  # "disabled": it stays in our cgroup (crun); set before start
        container.devices = []  # further character devices: (path, major, minor)

    def mount(self, container: Container):
        folder = self.folder / container.name
        lower = ":".join(map(str, self.images.unpacked(container.image)))
        mount("overlay", folder / "root", "overlay",
              f"lowerdir={lower},upperdir={container.upper},workdir={folder / 'work'}")

    def configure(self, container: Container):
        spec = json.loads(json.dumps(self._spec))
        spec["root"] = {"path": str(self.folder / container.name / "root"), "readonly": False}
        spec["process"].update(terminal=False, args=container.argv)
        spec["process"]["capabilities"] = {kind: container.capabilities for kind in ("bounding", "effective", "permitted")}
        spec["mounts"] += container.mounts
        if container.pid_namespace:
            others = [n for n in spec["linux"]["namespaces"] if n["type"] != "pid"]
            joined = [{"type": "pid", "path": container.pid_namespace}] if container.pid_namespace != "host" else []
            spec["linux"]["namespaces"] = others + joined
        for path, major, minor in container.devices:
            device = {"type": "c", "major": major, "minor": minor}
            spec["linux"].setdefault("devices", []).append({"path": path, "fileMode": 0o666, **device})
            spec["linux"]["resources"].setdefault("devices", []).append({"allow": True, "access": "rwm", **device})
        (self.folder / container.name / "bundle" / "config.json").write_text(json.dumps(spec))

    def start(self, container: Container) -> Result:
        self.mount(container)
        self.configure(container)
        result = self.launch(container, "-d")
        if result.status != 0:
            self.stop(container)
        return result

    def launch(self, container: Container, *options) -> Result:
        """`run` with these options; without -d to the end of its first process."""
        manager = [f"--cgroup-manager={container.cgroup_manager}"] if container.cgroup_manager else []
        return run(self.program, *manager, "--root", self.state, "run", *options, "-b", self.folder / container.name / "bundle",
                   container.name)

    def exec(self, container: Container, argv: list[str], timeout: float) -> Result:
        return run(self.program, "--root", self.state, "exec", container.name, *argv, timeout=timeout)

    def pid(self, container: Container) -> int:
        return json.loads(run(self.program, "--root", self.state, "state", container.name, check=True).out)["pid"]

    def root_device(self, container: Container) -> int:
        return os.stat(self.folder / container.name / "root").st_dev

    def stop(self, container: Container):
        def deleted():
            run(self.program, "--root", self.state, "delete", "-f", container.name)
            return not (self.state / container.name).exists()

        wait_until(f"the end of {container.name}", deleted, 10)
        root = self.folder / container.name / "root"

        def unmounted():
            with contextlib.suppress(OSError):
                umount(root)
            return not os.path.ismount(root)

        wait_until(f"unmount of {root}", unmounted, 10)

    def remove(self, container: Container):
        self.stop(container)
        shutil.rmtree(self.folder / container.name, ignore_errors=True)

    def down(self):
        for state in self.state.glob("*"):
            run(self.program, "--root", self.state, "delete", "-f", state.name)


class PlainOci(Oci):
    """The same with a root that is a plain directory, as vfs and hand-made bundles have it: no layers to read."""

    def __init__(self, program: str, images):
        super().__init__(program, images)
        self.name = f"{program}-plain"
        self.folder = WORK / self.name

    def make(self, container: Container):
        super().make(container)
        folder = self.folder / container.name
        lower = ":".join(map(str, self.images.unpacked(container.image)))
        mount("overlay", folder / "work", "overlay", f"lowerdir={lower}")  # the kernel merges
        try:
            run("cp", "-a", f"{folder / 'work'}/.", folder / "root", check=True)
        finally:
            umount(folder / "work")
        container.upper = folder / "root"

    def mount(self, container: Container):
        pass
