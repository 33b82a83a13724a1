"""The container runtimes, each behind the same small interface (base.py)."""

from .base import Container, Result, Runtime
from .containerd import Containerd, Ctr
from .cri import Cri
from .docker import Docker
from .oci import Oci, PlainOci
from .podman import Podman, RootlessPodman, VfsPodman

NAMES = ["crun", "runc", "podman-crun", "podman-runc", "rootless", "containerd", "cri", "docker"]


def make(images) -> dict[str, Runtime]:
    """All runtimes by name; nothing is started yet."""
    containerd = Containerd()
    return {
        "crun": Oci("crun", images),
        "runc": Oci("runc", images),
        "crun-plain": PlainOci("crun", images),
        "runc-plain": PlainOci("runc", images),
        "podman-vfs": VfsPodman("crun", images),
        "podman-crun": Podman("crun", images),
        "podman-runc": Podman("runc", images),
        "rootless": RootlessPodman("crun", images),
        "containerd": Ctr(containerd, images),
        "cri": Cri(containerd, images),
        "docker": Docker(containerd, images),
    }
