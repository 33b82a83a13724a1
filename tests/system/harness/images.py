"""The images, made on the spot and without a network: layers as lists of files, and docker archives of them.

`app:1` and `app:2` share their base layer (busybox) and differ in what `/usr/local/bin/tool` is. Their layers delete and
replace files of the layers below, as real images' do. Attack programs lie in `/attack` as image code, so that they may
run; what they carry in (`/attack/payload.bin`, `/opt/data.bin`) has no x bit.
"""

import contextlib
import hashlib
import io
import json
import os
import platform
import tarfile
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from . import tools
from .env import WORK, Skip, run

_TIME = 1700000000  # of everything in a layer


@dataclass
class Layer:
    """Files (content and mode), links (target) and whiteouts (paths) of one layer."""

    name: str
    files: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def directories(self) -> list[str]:
        parents = {str(p) for path in [*self.files, *self.links, *self.removed] for p in Path(path).parents}
        return sorted(p for p in parents | set(self.extra_directories()) if p != "/")

    def extra_directories(self) -> list[str]:
        return ["/tmp", "/root", "/proc", "/sys", "/dev", "/etc", "/run", "/data"] if self.name == "base" else []

    @cached_property
    def tar(self) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in self.directories():
                self._add(tar, path, tarfile.DIRTYPE, 0o1777 if path == "/tmp" else 0o755)
            for path, (content, mode) in self.files.items():
                self._add(tar, path, tarfile.REGTYPE, mode, content)
            for path, target in self.links.items():
                self._add(tar, path, tarfile.SYMTYPE, 0o777, target=target)
            for path in self.removed:
                folder, name = os.path.split(path)
                self._add(tar, f"{folder}/.wh.{name}", tarfile.REGTYPE, 0o644)
        return out.getvalue()

    @staticmethod
    def _add(tar, path, kind, mode, content=b"", target=""):
        info = tarfile.TarInfo(path.lstrip("/"))
        info.type, info.mode, info.size, info.mtime, info.linkname = kind, mode, len(content), _TIME, target
        tar.addfile(info, io.BytesIO(content))

    def unpack(self, folder: Path):
        """As a lower directory of an overlay: whiteouts become the kernel's."""
        folder.mkdir(parents=True)
        for path in self.directories():
            (folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        if self.name == "base":
            (folder / "tmp").chmod(0o1777)
        for path, (content, mode) in self.files.items():
            file = folder / path.lstrip("/")
            file.write_bytes(content)
            file.chmod(mode)
            os.utime(file, (_TIME, _TIME))
        for path, target in self.links.items():
            (folder / path.lstrip("/")).symlink_to(target)
        for path in self.removed:
            os.mknod(folder / path.lstrip("/"), 0o20000, os.makedev(0, 0))


@dataclass
class Image:
    name: str  # without registry and tag
    tag: str
    layers: list[Layer]
    command: list[str]

    @property
    def reference(self) -> str:
        return f"localhost/{self.name}:{self.tag}"


SLEEP = ["/bin/sleep", "1000000"]


def _base() -> Layer:
    layer = Layer("base", {"/bin/busybox": (Path("/bin/busybox").read_bytes(), 0o755),
                           "/etc/passwd": (b"root:x:0:0:root:/root:/bin/sh\n", 0o644),
                           "/etc/group": (b"root:x:0:\n", 0o644),
                           "/usr/local/bin/removed": (tools.text_tool("removed"), 0o755),
                           "/usr/local/bin/replaced": (tools.text_tool("replaced v0"), 0o755)})
    for applet in run("/bin/busybox", "--list", check=True).out.split():
        if applet != "busybox":
            layer.links[f"/bin/{applet}"] = "busybox"
    return layer


def _app(version: str) -> Layer:
    tool, data = tools.text_tool(f"tool v{version}"), tools.payload(f"data {version}")
    files = {"/usr/local/bin/hello": (b"#!/bin/sh\necho hello\n", 0o755), "/opt/data.bin": (data, 0o644),
             f"/usr/local/bin/only-{version}": (tools.text_tool(f"only v{version}"), 0o755)}
    for name in ("tool", "touched", "chowned", "chmodded", "moved", "patched", "appended", "rewritten", "renamed",
                 "linked", "spare"):
        # Different content each: a program that is the image's under another name would be `relocated`.
        files[f"/usr/local/bin/{name}"] = (tool if name == "tool" else tools.text_tool(f"{name} v{version}"), 0o755)
    return Layer(f"app-{version}", files)


_PROGRAMS = ("racer", "copyup", "noname", "execloop", "flip", "reuse", "manyfiles", "memory", "memrun", "checkfirst", "openloop",
             "memfd", "mounts", "inject", "fuse", "exectime")


def _attack() -> Layer:
    files = {f"/attack/{name}": (tools.tool(name), 0o755) for name in _PROGRAMS}
    for i in range(8):
        files[f"/opt/chameleon-{i}"] = (tools.chameleon() + bytes([i]), 0o755)
    for i in range(1000):
        files[f"/opt/fresh/{i:03}"] = (tools.chameleon() + f"fresh {i}".encode(), 0o755)
    files["/lib/loader"] = (tools.loader(), 0o755)
    files["/attack/dynamic.bin"] = (tools.with_interpreter("/lib/loader"), 0o644)
    files["/attack/payload.bin"] = (tools.payload(), 0o644)
    files["/attack/payload-2.bin"] = (tools.payload("2"), 0o644)
    files["/attack/stamp.bin"] = (tools.tiny("stamp", "stamp.c"), 0o644)
    files["/attack/lingering-dynamic.bin"] = (tools.with_interpreter("/lib/loader", "-DLINGERS"), 0o644)
    files["/attack/linger.bin"] = (tools.lingering_payload(), 0o644)
    files["/opt/interp-user"] = (tools.with_interpreter("/tmp/drifted-ld"), 0o755)
    files["/opt/script-user"] = (b"#!/tmp/drifted-sh\n", 0o755)
    return Layer("attack", files)


def _dynamic() -> Layer:
    """Programs and libraries that need a C library, and the library."""
    files = {path: (content, 0o755) for path, content in tools.glibc().items()}
    files["/usr/local/bin/dynamic"] = (tools.dynamic("dynamic"), 0o755)
    files["/usr/local/bin/dynamic-script"] = (b"#!/usr/local/bin/dynamic /usr/lib/shipped.so\n", 0o755)
    files["/usr/lib/shipped.so"] = (tools.library(), 0o644)
    files["/opt/plug-in"] = (tools.library("-DPLUG_IN"), 0o644)  # not named like a library
    files["/attack/evil.so"] = (tools.library("-DDRIFTED"), 0o644)
    with contextlib.suppress(Skip):
        files["/lib/ld-musl.so"] = (tools.musl_loader(), 0o755)
    return Layer("dynamic", files)


def _top(version: str) -> Layer:
    return Layer(f"top-{version}", {"/usr/local/bin/replaced": (tools.text_tool(f"replaced v{version}"), 0o755)},
                 removed=["/usr/local/bin/removed"])


class Images:
    """All images of a run; the archive is written once, when the first runtime asks for it."""

    def __init__(self):
        base, attack = _base(), _attack()
        self.app = Image("hftest-app", "1", [base, _app("1"), attack, _dynamic(), _top("1")], SLEEP)
        self.app2 = Image("hftest-app", "2", [base, _app("2"), _top("2")], SLEEP)
        self.pause = Image("hftest-pause", "1", [base], SLEEP)
        self.single = Image("hftest-single", "1", [base], SLEEP)
        self._unpacking = threading.Lock()

    @cached_property
    def archive(self) -> Path:
        """A docker archive of the images that the engines load."""
        path = WORK / "images.tar"
        manifest, members = [], {}
        for image in (self.app, self.app2, self.pause):
            layers = []
            for layer in image.layers:
                digest = hashlib.sha256(layer.tar).hexdigest()
                members[f"{digest}.tar"] = layer.tar
                layers.append(digest)
            config = json.dumps({
                "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()], "os": "linux",
                "created": "2024-01-01T00:00:00Z", "config": {"Cmd": image.command, "Env": ["PATH=/usr/local/bin:/bin"]},
                "history": [{"created_by": layer.name} for layer in image.layers],
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for d in layers]}}).encode()
            members[f"{hashlib.sha256(config).hexdigest()}.json"] = config
            manifest.append({"Config": f"{hashlib.sha256(config).hexdigest()}.json", "RepoTags": [image.reference],
                             "Layers": [f"{d}.tar" for d in layers]})
        members["manifest.json"] = json.dumps(manifest).encode()
        with tarfile.open(path, "w") as tar:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        path.chmod(0o644)
        return path

    def unpacked(self, image: Image) -> list[Path]:
        """The image's lower directories, top first; layers that images share are shared on disk too."""
        folders = []
        for layer in reversed(image.layers):
            folder = WORK / "layers" / layer.name
            with self._unpacking:  # a test may start several containers at once
                if not folder.exists():
                    layer.unpack(folder)
            folders.append(folder)
        return folders
