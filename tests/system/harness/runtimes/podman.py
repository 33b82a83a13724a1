"""Podman as root and rootless, with a storage of its own; shapes of the paths are podman's."""

import json
import os
import pwd
from pathlib import Path

from ..env import PREFIX, WORK, Skip, run
from .base import Container, Result, Runtime

# podman's default limits exceed those of a root without CAP_SYS_RESOURCE
_LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]


class Podman(Runtime):
    driver = "overlay"

    def __init__(self, program: str, images):
        super().__init__(images)
        self.name, self.program, self.programs = f"podman-{program}", program, ["podman", "conmon", program]

    def podman(self, *argv, timeout=60, check=False) -> Result:
        folder = WORK / ("containers" if self.driver == "overlay" else f"containers-{self.driver}")
        return run("podman", "--root", folder / "storage", "--runroot", folder / "run",
                   "--tmpdir", folder / "tmp", "--storage-driver", self.driver, "--cgroup-manager", "cgroupfs",
                   "--events-backend", "none", "--runtime", self.program, *argv, timeout=timeout, check=check)

    def up(self):
        if self.podman("image", "exists", self.images.app.reference).status != 0:
            self.podman("load", "-q", "-i", self.images.archive, check=True)

    def make(self, container: Container):
        self.podman("create", "-q", "--network=none", *_LIMITS, *container.label(), *container.options, "--name", container.name,
                    container.image.reference, *container.argv, check=True)
        info = self.inspect(container)
        container.id = info["Id"]
        container.upper = Path(info["GraphDriver"]["Data"]["UpperDir"])

    def inspect(self, container: Container) -> dict:
        # --format json keeps a warning about limits, on the same output, apart from the document
        out = self.podman("container", "inspect", container.name, check=True).out
        return json.loads(out[out.index("[\n"):])[0]

    def start(self, container: Container) -> Result:
        return self.podman("start", container.name)

    def exec(self, container: Container, argv: list[str], timeout: float) -> Result:
        return self.podman("exec", container.name, *argv, timeout=timeout)

    def pid(self, container: Container) -> int:
        return self.inspect(container)["State"]["Pid"]

    def stop(self, container: Container):
        self.podman("stop", "-t", "0", container.name, check=True)

    def remove(self, container: Container):
        self.podman("rm", "-f", "-t", "0", container.name)

    def down(self):
        self.podman("rm", "-f", "-a", "-t", "0")


class VfsPodman(Podman):
    """With a plain directory for each layer and container, each a full copy."""

    driver = "vfs"

    def __init__(self, program: str, images):
        super().__init__(program, images)
        self.name = "podman-vfs"

    def make(self, container: Container):
        self.podman("create", "-q", "--network=none", *_LIMITS, "--name", container.name, container.image.reference,
                    *container.argv, check=True)
        container.id = self.inspect(container)["Id"]
        container.upper = Path(self.podman("mount", container.name, check=True).out.strip().splitlines()[-1])


class RootlessPodman(Podman):
    """For an unprivileged user that is made for it: overlay inside a user namespace, often without a cgroup."""

    def __init__(self, program: str, images):
        super().__init__(program, images)
        self.name, self.programs = "rootless", ["podman", "conmon", program, "newuidmap"]
        self.home, self.run_dir = WORK / "home", WORK / "xdg"

    def podman(self, *argv, timeout=60, check=False) -> Result:
        return run("setpriv", "--reuid", PREFIX, "--regid", PREFIX, "--init-groups", "env", "-i", f"HOME={self.home}",
                   f"USER={PREFIX}", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", f"XDG_RUNTIME_DIR={self.run_dir}",
                   "podman", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", self.program, *argv,
                   timeout=timeout, check=check)

    def up(self):
        if Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0":
            raise Skip("user namespaces are switched off")
        run("useradd", "-F", "-m", "-d", self.home, "-s", "/bin/sh", PREFIX, check=True)
        user = pwd.getpwnam(PREFIX)
        config = self.home / ".config" / "containers"
        config.mkdir(parents=True)
        (config / "storage.conf").write_text('[storage]\ndriver = "overlay"\n')
        self.run_dir.mkdir(mode=0o700)
        for path in (self.home, self.home / ".config", config, config / "storage.conf", self.run_dir):
            os.chown(path, user.pw_uid, user.pw_gid)
        super().up()

    def down(self):
        super().down()
        self.podman("system", "migrate")  # ends the pause process, which keeps the namespaces
        run("userdel", PREFIX)
