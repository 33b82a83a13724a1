"""A minimal Debian with an init system, in which the packages are installed as an administrator would."""

import os
import re
import shutil
from functools import cache
from pathlib import Path

from harness import roots
from harness.env import SOURCE, WORK, Result, TestError, mount, run, umount

PACKAGES = SOURCE / "build" / "packages"


def only(pattern: str) -> Path:
    found = [p for p in PACKAGES.glob(pattern) if "dbgsym" not in p.name]
    if len(found) != 1:
        raise TestError(f"{PACKAGES}/{pattern}: {len(found)} files; ./dev package makes one")
    return found[0]


class Root:
    """Of its own for each test, an overlay of the one that was unpacked; gone with `close`."""

    def __init__(self, name: str):
        self.folder = WORK / name
        upper, work, self.path = (self.folder / part for part in ("upper", "work", "root"))
        for folder in (upper, work, self.path):
            folder.mkdir(parents=True)
        mount("overlay", self.path, "overlay", f"lowerdir={_unpacked()},upperdir={upper},workdir={work}")
        mount("proc", self.path / "proc", "proc")

    def run(self, *argv, check=True, timeout=300) -> Result:
        environment = {**os.environ, "PATH": roots.PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        return run("chroot", self.path, *argv, check=check, timeout=timeout, env=environment)

    def put(self, file: Path) -> str:
        shutil.copyfile(file, self.path / "tmp" / file.name)
        return f"/tmp/{file.name}"

    def file(self, path: str) -> Path:
        return self.path / path.lstrip("/")

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.file(path))

    def close(self):
        for place in (self.path / "proc", self.path):
            umount(place, lazily=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def older(package: Path, version: str, changed: dict[str, str]) -> Path:
    """The same package under another version, with other configuration files: what an upgrade begins with."""
    folder = WORK / f"repack-{version}"
    run("dpkg-deb", "-R", package, folder, check=True)
    control = folder / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    for path, text in changed.items():
        (folder / path.lstrip("/")).write_text(text)
    made = WORK / f"holdfast_{version}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", folder, made, check=True)
    shutil.rmtree(folder)
    return made


@cache
def _unpacked() -> Path:
    """A Debian that has what the package says that it depends on, and nothing else that it could need."""
    wanted = ["systemd", "systemd-sysv", "rpm", *roots.depends(only("holdfast_*.deb"))]
    archive = roots.archive("package", ",".join(wanted), documented=True)  # the package's own is looked for
    folder = WORK / "package-root"
    folder.mkdir()
    run("tar", "-C", folder, "-xf", archive, check=True, timeout=120)
    return folder
