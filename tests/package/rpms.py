"""RPM packages for upgrades: what is in the package under another version. Debian has no rpmrebuild."""

import shutil
import tarfile
from pathlib import Path

from harness.env import WORK, run

_SPEC = """%global _build_id_links none
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
Name: holdfast
Version: {version}
Release: 1
Summary: An older version
License: Apache-2.0
AutoReqProv: no
%description
The same files.
%install
cp -a {files}/. %{{buildroot}}
rm -rf %{{buildroot}}/usr/lib/.build-id
{scripts}
%files
{listed}
"""
_SCRIPTS = {"post": "POSTIN", "preun": "PREUN", "postun": "POSTUN"}


def older(package: Path, version: str, changed: dict[str, str]) -> Path:
    """The same files and scripts, with other configuration files."""
    work = WORK / f"rpm-{version}"
    files = work / "files"
    files.mkdir(parents=True)
    run("rpm2archive", shutil.copy(package, work), check=True)
    with tarfile.open(next(work.glob("*.tgz"))) as content:
        content.extractall(files)
    for path, text in changed.items():
        (files / path.lstrip("/")).write_text(text)
    spec = work / "holdfast.spec"
    spec.write_text(_SPEC.format(version=version, files=files, scripts=_scripts(package), listed="\n".join(_listed(package))))
    run("rpmbuild", "-bb", "--define", f"_topdir {work}", "--define", "_binary_payload w1.gzdio", spec, check=True)
    built = next((work / "RPMS").glob("*/*.rpm"))
    made = built.replace(WORK / built.name)
    shutil.rmtree(work)
    return made


def _asked(package: Path, form: str) -> str:
    return run("rpm", "-qp", "--qf", form, package, check=True).out


def _scripts(package: Path) -> str:
    return "\n".join(f"%{name}\n{_asked(package, f'%{{{tag}}}').replace('%', '%%')}" for name, tag in _SCRIPTS.items())


def _listed(package: Path) -> list[str]:
    lines = []
    for line in _asked(package, r"[%{FILEFLAGS:fflags}|%{FILEMODES:perms}|%{FILENAMES}\n]").splitlines():
        flags, mode, path = line.split("|", 2)
        if "/.build-id" not in path:
            lines.append(("%config(noreplace) " if "c" in flags else "%dir " if mode.startswith("d") else "") + path)
    return lines
