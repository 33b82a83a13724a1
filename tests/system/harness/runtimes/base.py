"""What every runtime does for the tests."""

import os
import shutil
from pathlib import Path

from ..env import PREFIX, Result, Skip, TestError
from ..images import Image


class Container:
    """A created container; made by Runtime.create. `upper` is its upper directory on the host."""

    def __init__(self, runtime: "Runtime", name: str, image: Image, argv: list[str]):
        self.runtime, self.name, self.image, self.argv = runtime, name, image, argv
        self.id = name
        self.upper: Path | None = None
        self.pod = ""
        self.options: list[str] = []  # more of them for the engine's "create"; Podman's and Docker's

    def label(self) -> list[str]:
        """The label that every engine gives to its containers, as an option."""
        return ["--label", f"hftest={self.name}"]

    def start(self) -> Result:
        """Starts it (again), detached. The status is not 0 if its first process could not be executed, where the runtime tells."""
        return self.runtime.start(self)

    def exec(self, *argv, timeout=30) -> Result:
        return self.runtime.exec(self, [str(a) for a in argv], timeout)

    def sh(self, script: str, timeout=30) -> Result:
        return self.exec("/bin/sh", "-c", script, timeout=timeout)

    def stop(self):
        self.runtime.stop(self)

    def remove(self):
        self.runtime.remove(self)

    def expected(self) -> dict[str, str]:
        """What an alert must call it. An empty value: nothing to know, must be absent."""
        return {"id": self.id} | self.runtime.names(self)

    def plant(self, path: str, content: bytes, mode=0o755):
        """Puts a file into the upper directory: what a container's earlier life left there. Not while it runs."""
        file = self.upper / path.lstrip("/")
        owner = self.upper.stat()
        for folder in reversed(file.relative_to(self.upper).parents):
            made = self.upper / folder
            if not made.exists():
                made.mkdir(mode=0o1777 if made.name == "tmp" else 0o755)
                made.chmod(0o1777 if made.name == "tmp" else 0o755)
                os.chown(made, owner.st_uid, owner.st_gid)
        file.write_bytes(content)
        os.chown(file, owner.st_uid, owner.st_gid)
        file.chmod(mode)

    def ran(self, tag: str) -> bool:
        """Whether a payload or chameleon of that tag has run: its marker lies in the upper directory."""
        return (self.upper / "tmp" / f"RAN-{tag}").exists()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


class Runtime:
    """One way to run containers. `up` is called before the first container, `down` at the end."""

    name = ""
    programs: list[str] = []
    restarts = True  # a stopped container can be started again

    def __init__(self, images):
        self.images, self.is_up, self._count = images, False, 0

    def require(self):
        """Skips if the runtime is not installed, else brings it up."""
        for program in self.programs:
            if not shutil.which(program, path="/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"):
                raise Skip(f"{program} is not installed")
        if not self.is_up:
            self.up()
            self.is_up = True

    def create(self, image: Image | None = None, argv: list[str] | None = None, name: str = "", options: tuple[str, ...] = ()) -> Container:
        self.require()
        self._count += 1
        image = image or self.images.app
        container = Container(self, name or f"{PREFIX}-{self.name}-{self._count}", image, argv or image.command)
        container.options += options
        self.make(container)
        return container

    def run(self, *args, **options) -> Container:
        container = self.create(*args, **options)
        result = container.start()
        if result.status != 0:
            container.remove()
            raise TestError(f"{self.name} does not start {container.name}: {result}")
        return container

    def names(self, container: Container) -> dict[str, str]:
        return {"name": container.name, "image": container.image.reference, "namespace": "", "pod": ""}

    def up(self):
        pass

    def down(self):
        pass

    def make(self, container: Container):
        raise NotImplementedError

    def start(self, container: Container) -> Result:
        raise NotImplementedError

    def exec(self, container: Container, argv: list[str], timeout: float) -> Result:
        raise NotImplementedError

    def stop(self, container: Container):
        raise NotImplementedError

    def remove(self, container: Container):
        raise NotImplementedError
