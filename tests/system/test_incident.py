"""An incident, played in a real Debian container: six ways for software to come in, and what the alerts say of each."""

import hashlib
import io
import re
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from harness import debian
from harness.env import run
from harness.lab import check, equal

_SCRIPT = b"#!/bin/sh\necho %s\n"


def _package() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "package"
        (root / "DEBIAN").mkdir(parents=True)
        (root / "usr/bin").mkdir(parents=True)
        root.chmod(0o755)
        (root / "DEBIAN/control").write_text("Package: incident\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\n"
                                             "Description: a program\n")
        (root / "usr/bin/from-apt").write_bytes(_SCRIPT % b"apt")
        (root / "usr/bin/from-apt").chmod(0o755)
        run("dpkg-deb", "--root-owner-group", "-b", root, Path(folder) / "incident.deb", check=True)
        return (Path(folder) / "incident.deb").read_bytes()


def _index(package: bytes) -> bytes:
    return (f"Package: incident\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nFilename: ./incident.deb\n"
            f"Size: {len(package)}\nSHA256: {hashlib.sha256(package).hexdigest()}\nDescription: a program\n\n").encode()


def _wheel() -> bytes:
    files = {"incident-1.data/scripts/from-pip": "#!/bin/sh\necho pip\n",
             "incident-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: incident\nVersion: 1\n",
             "incident-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},,\n" for path in [*files, "incident-1.dist-info/RECORD"])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        for path, text in {**files, "incident-1.dist-info/RECORD": record}.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
            wheel.writestr(info, text)
    return out.getvalue()


def _tarball() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("tree/from-tar")
        content = _SCRIPT % b"tar"
        info.size, info.mode = len(content), 0o755
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _image():
    package = _package()
    return debian.workshop((
        ("/opt/repository/incident.deb", package, 0o644), ("/opt/repository/Packages", _index(package), 0o644),
        ("/etc/apt/sources.list", b"deb [trusted=yes] file:/opt/repository ./\n", 0o644),
        ("/etc/apt/apt.conf.d/99incident", b'APT::Sandbox::User "root";\n', 0o644),
        ("/opt/web/from-curl", _SCRIPT % b"curl", 0o644), ("/opt/incident-1-py3-none-any.whl", _wheel(), 0o644),
        ("/opt/tree.tar.gz", _tarball(), 0o644), ("/opt/program.c", b"int main(void) { return 0; }\n", 0o644),
        ("/opt/data.sh", _SCRIPT % b"data", 0o644)))


@dataclass
class Step:
    prepare: str
    path: str
    reason: str
    origin: str       # of MESSAGE: what stands between the reason and who tried
    writer: str       # its program's name
    manager: str = ""
    how: str = "wrote"


_AGO = r"(\d+s before|just before)"
_STEPS = [
    Step("apt-get -q update && apt-get -q install -y incident", "/usr/bin/from-apt", "added", rf"installed by apt \(pid \d+\) {_AGO}",
         "dpkg", "apt"),
    Step("python3 -m http.server -d /opt/web --bind 127.0.0.1 8000 >/dev/null 2>&1 & server=$!\n"
         "curl -s --retry 20 --retry-connrefused --retry-delay 1 -o /tmp/from-curl http://127.0.0.1:8000/from-curl || exit 1\n"
         "kill $server; chmod 755 /tmp/from-curl", "/tmp/from-curl", "added",
         rf"downloaded by curl \(pid \d+\) {_AGO}, made executable by chmod \(pid \d+\) {_AGO}", "curl"),
    Step("gcc -o /tmp/from-gcc /opt/program.c", "/tmp/from-gcc", "added", rf"compiled by [\w-]*gcc-12 \(pid \d+\) {_AGO}",
         "x86_64-linux-gnu-ld.bfd"),
    Step("pip install -q --no-index --break-system-packages --root-user-action=ignore /opt/incident-1-py3-none-any.whl",
         "/usr/local/bin/from-pip", "added", rf"installed by pip \(pid \d+\) {_AGO}", "python3.11", "pip"),
    Step("tar -C /srv -xzf /opt/tree.tar.gz", "/srv/tree/from-tar", "added", rf"unpacked by tar \(pid \d+\) {_AGO}", "tar"),
    # The directory is copied up first: what follows at once upon that may be missed (holdfast-limitations(7), "Who wrote a file").
    Step("touch /opt; sleep 0.3; chmod +x /opt/data.sh", "/opt/data.sh", "made-executable", rf"made executable by chmod \(pid \d+\) {_AGO}", "chmod",
         how="made executable"),
]


def _play(lab, mode: str):
    service = lab.service(drift=f"Mode={mode}")
    container = lab.run("crun", image=_image())
    for step in _STEPS:
        result = container.sh(f"{step.prepare}\n[ $? = 0 ] || exit 99\n{step.path} >/dev/null 2>&1; exit $?", timeout=60)
        equal(result.status, 126 if mode == "prevent" else 0, f"status of {step.path} ({result.out[-600:]})")
        alert = service.alerts.wait(container, path=step.path)[0]
        print(f"    {alert['message']}")
        # In detect mode nobody waits: who ran it may have ended before anybody could ask.
        verb, by = ("denied", r"tried by dash \(pid \d+\)") if mode == "prevent" else (
            "detected", r"run by (dash \(pid \d+\)|[\w-]+ \(pid \d+\)|pid \d+)")
        wanted = rf"{verb} {re.escape(step.path)} in \S+: {step.reason}, {step.origin}, {by}"
        check(re.fullmatch(wanted, alert["message"]), f"{alert['message']!r} is not {wanted}")
        writer = alert["writer"]
        equal(writer["exe"].rsplit("/", 1)[1].replace("aarch64", "x86_64"), step.writer, "the writer's program")
        equal(writer.get("package_manager", ""), step.manager, "package manager")
        equal((writer["how"], writer["uid"]), (step.how, 0), "how, and by which user")
        check(writer["cmdline"] and writer["time"] <= alert["time"], f"writer {writer}")
        chain = [p["exe"].rsplit("/", 1)[1] for p in writer["ancestors"]]
        check("dash" in chain or "sh" in chain, f"the shell is not among the writer's ancestors: {writer}")
    equal(service.metric("holdfast_writer_losses_total"), 0, "losses of writers")


def test_an_incident_is_told_with_its_origin_in_prevent_mode(lab):
    _play(lab, "prevent")


def test_an_incident_is_told_with_its_origin_in_detect_mode(lab):
    _play(lab, "detect")
