"""Debian root file systems, made by Debian's own tools: once, then kept."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

from .env import Skip

_KEPT = Path("/var/cache/holdfast-test")  # making one takes a minute
_DOCUMENTATION = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def archive(name: str, packages: str, documented=False) -> Path:
    """A tar archive with apt and these packages, comma separated; skips where it cannot be made."""
    left_out = () if documented else _DOCUMENTATION
    options = ["--variant=apt", "--mode=root", f"--include={packages}", *(f"--dpkgopt=path-exclude={path}" for path in left_out)]
    kept = _KEPT / f"{name}-{hashlib.sha256(repr(options).encode()).hexdigest()[:16]}.tar"
    if not kept.exists():
        print(f"making a Debian root file system: {name}", flush=True)
        _KEPT.mkdir(parents=True, exist_ok=True)
        making = kept.with_suffix(".part.tar")
        made = subprocess.run(["mmdebstrap", *options, "bookworm", making], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "PATH": PATH}, timeout=900, check=False)
        if made.returncode != 0:
            raise Skip(f"no Debian root can be made here: {made.stderr[-2000:]}")
        making.rename(kept)
    return kept


def depends(package: Path) -> list[str]:
    """The names of what a .deb says that it depends on."""
    said = subprocess.run(["dpkg-deb", "-f", package, "Depends"], check=True, capture_output=True, text=True).stdout
    return re.findall(r"(?:^|, )([a-z0-9.+-]+)", said.strip())
