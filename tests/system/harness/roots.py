"""Debian root file systems, made by Debian's own tools: once, then kept."""

import fcntl
import hashlib
import os
import re
import shlex
import subprocess
from pathlib import Path

from .env import Skip

_KEPT = Path("/var/cache/holdfast-test")  # making one takes a minute
_BASE = "systemd-sysv,dbus"  # of all: what takes longest to make is made once
_DOCUMENTATION = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def archive(name: str, packages: str, documented=False, settings: dict[str, str] = {}) -> Path:
    """A tar archive with apt, an init system and these packages, comma separated; skips where it cannot be made. `settings`
    are files, by path, which are there before the packages."""
    base = _made("base", ["--variant=apt", f"--include={_BASE}"])
    left_out = () if documented else _DOCUMENTATION
    return _made(name, ["--variant=custom", "--skip=check/empty", f"--setup-hook=tar -C \"$1\" -xf {base}", f"--include={packages}",
                        *(f"--setup-hook=echo {shlex.quote(text)} | install -D -m 644 /dev/stdin \"$1\"{path}" for path, text in settings.items()),
                        *(f"--dpkgopt=path-exclude={path}" for path in left_out)])


def _made(name: str, how: list[str]) -> Path:
    options = ["--mode=root", "--dpkgopt=force-unsafe-io", *how]
    kept = _KEPT / f"{name}-{hashlib.sha256(repr(options).encode()).hexdigest()[:16]}.tar"
    _KEPT.mkdir(parents=True, exist_ok=True)
    with open(_KEPT / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests/roots.sh may be making it
        if not kept.exists():
            _make(name, options, kept)
    return kept


def _make(name: str, options: list[str], kept: Path):
    print(f"making a Debian root file system: {name}", flush=True)
    making = kept.with_suffix(".part.tar")
    made = subprocess.run(["mmdebstrap", *options, "bookworm", making], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, "PATH": PATH}, timeout=900, check=False)
    if made.returncode != 0:
        raise Skip(f"no Debian root can be made here: {made.stderr[-2000:]}")
    making.rename(kept)


def depends(package: Path) -> list[str]:
    """The names of what a .deb says that it depends on."""
    said = subprocess.run(["dpkg-deb", "-f", package, "Depends"], check=True, capture_output=True, text=True).stdout
    return re.findall(r"(?:^|, )([a-z0-9.+-]+)", said.strip())
