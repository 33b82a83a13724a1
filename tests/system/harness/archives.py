"""Image archives written by hand: layers with everything that a tar may hold, as an OCI image layout."""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
_TIME = 1700000000


class Tar:
    """One layer, entry by entry, in the order in which they are asked for."""

    def __init__(self, kind=tarfile.PAX_FORMAT):
        self._out = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._out, mode="w", format=kind, encoding="utf-8", errors="surrogateescape")

    def entry(self, name: str, kind, mode=0o755, content=b"", link="") -> "Tar":
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.mtime, info.linkname = kind, mode, len(content), _TIME, link
        self._tar.addfile(info, io.BytesIO(content))
        return self

    def file(self, name: str, content: bytes, mode=0o755) -> "Tar":
        return self.entry(name, tarfile.REGTYPE, mode, content)

    def folder(self, name: str) -> "Tar":
        return self.entry(name, tarfile.DIRTYPE)

    def symlink(self, name: str, target: str) -> "Tar":
        return self.entry(name, tarfile.SYMTYPE, 0o777, link=target)

    def hard_link(self, name: str, target: str, mode=0o755) -> "Tar":
        return self.entry(name, tarfile.LNKTYPE, mode, link=target)

    def bytes(self) -> bytes:
        self._tar.close()
        return self._out.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Layout:
    """An OCI image layout; `write` makes it a directory, `tar` an archive."""

    def __init__(self):
        self.blobs: dict[str, bytes] = {}
        self.manifests: list[dict] = []

    def blob(self, content: bytes, media_type: str) -> dict:
        self.blobs[digest(content)] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest(content)}", "size": len(content)}

    def image(self, layers: list[bytes], name="", architecture=ARCHITECTURE, command=(), in_index=True) -> dict:
        """Adds an image; its descriptor, which tests may spoil before the layout is written."""
        config = json.dumps({"architecture": architecture, "os": "linux", "config": {"Cmd": list(command)},
                             "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(tar)}" for tar in layers]}}).encode()
        packed = [self.blob(gzip.compress(tar, 1, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip") for tar in layers]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                               "config": self.blob(config, "application/vnd.oci.image.config.v1+json"), "layers": packed}).encode()
        descriptor = self.blob(manifest, "application/vnd.oci.image.manifest.v1+json")
        if name:
            descriptor["annotations"] = {"org.opencontainers.image.ref.name": name}
        if in_index:
            self.manifests.append(descriptor)
        return descriptor

    def members(self) -> dict[str, bytes]:
        index = json.dumps({"schemaVersion": 2, "manifests": self.manifests}).encode()
        return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index} | {
            f"blobs/sha256/{name}": content for name, content in self.blobs.items()}

    def tar(self, path: Path) -> Path:
        with tarfile.open(path, "w") as tar:
            for name, content in self.members().items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return path

    def write(self, folder: Path) -> Path:
        for name, content in self.members().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder
