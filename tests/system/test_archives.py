"""`holdfast baseline build`: what it reads from an archive is what the service captures of the running container."""

import json
import tarfile
from itertools import count
from pathlib import Path

from harness import debian, tools
from harness.archives import Layout, Tar
from harness.env import WORK, TestError, run, wait_until
from harness.images import SLEEP, Image
from harness.lab import check, equal
from harness.service import CLI

_numbers = count(1)


def _program(text: str) -> bytes:
    return tools.text_tool(text)


def _whiteouts() -> list[bytes]:
    """Deleted files and directories, opaque directories, files that become directories and the other way round."""
    below = Tar().folder("opt").folder("opt/kept").file("opt/kept/a", _program("a")).file("opt/gone", _program("gone"))
    below.folder("opt/emptied").file("opt/emptied/b", _program("b")).file("opt/emptied/c", _program("c"))
    below.folder("opt/tree/deep").file("opt/tree/deep/d", _program("d")).file("opt/to-folder", _program("to folder"))
    below.folder("opt/to-file").file("opt/to-file/e", _program("e")).folder("opt/merged").file("opt/merged/f", _program("f"))
    below.folder("opt/linked").file("opt/linked/g", _program("g"))
    above = Tar().file("opt/.wh.gone", b"").folder("opt/emptied").file("opt/emptied/.wh..wh..opq", b"")
    above.file("opt/emptied/new", _program("new")).file("opt/.wh.tree", b"").folder("opt/to-folder")
    above.file("opt/to-folder/h", _program("h")).file("opt/to-file", _program("to file")).folder("opt/merged")
    above.file("opt/merged/i", _program("i")).symlink("opt/linked", "kept")
    # the whiteout comes after what was added beside it; and of a file that no layer has
    last = Tar().file("opt/merged/j", _program("j")).file("opt/merged/.wh.f", b"").file("opt/.wh.never", b"")
    last.folder("opt/gone").file("opt/gone/again", _program("again"))
    return [below.bytes(), above.bytes(), last.bytes()]


def _odd_entries(work: Path) -> list[bytes]:
    """Hard links, duplicates, modes, long and foreign names, names that need cleaning, a sparse file."""
    odd = Tar().file("./usr/bin/one", _program("one")).hard_link("usr/bin/two", "usr/bin/one").hard_link("/usr/bin/three", "./usr/bin/two")
    odd.file("data", _program("data"), 0o644).hard_link("lib-of-data.so.1", "data", 0o644)
    odd.file("usr/bin/setuid", _program("setuid"), 0o4755).file("usr/bin/group", _program("group"), 0o2711)
    odd.file("usr/bin/owner-only", _program("owner"), 0o700).file("usr/bin/no-x", _program("no x"), 0o644)
    odd.file("usr/lib/libshared.so", b"no program", 0o644).file("usr/lib/libshared.so.1.2", b"neither", 0o444)
    odd.folder("real").symlink("alias", "real").file("alias/through", _program("through")).symlink("absolute", "/real")
    odd.file("absolute/through-too", _program("through too")).symlink("up", "usr/../real").file("up/dotted", _program("dotted"))
    odd.hard_link("usr/bin/by-alias", "alias/through").file("a/./b//c/../d", _program("cleaned"))
    odd.file("no/parent/named", _program("parent")).file("empty", b"")
    odd.file("usr/bin/e\u0301", _program("NFD")).file("usr/bin/\udcff\udcfe", _program("no UTF-8"))
    odd.file("usr/bin/" + "l" * 200 + "/" + "n" * 200, _program("long")).symlink("loop", "loop")
    odd.hard_link("usr/bin/link-mode", "usr/bin/no-x", 0o755)
    gnu = Tar(tarfile.GNU_FORMAT).file("gnu/" + "g" * 180 + "/" + "h" * 120, _program("gnu"))
    gnu.hard_link("gnu/link", "gnu/" + "g" * 180 + "/" + "h" * 120).file("gnu/\udcff", _program("gnu bytes"))
    holes = work / "holes"
    with holes.open("wb") as file:
        file.write(_program("holes"))
        file.seek(3_000_000)
        file.write(b"end")
        file.truncate(5_000_000)
    holes.chmod(0o755)
    run("tar", "-C", work, "--sparse", "--sparse-version=1.0", "--format=pax", "-cf", work / "sparse.tar", "holes", check=True)
    return [odd.bytes(), gnu.bytes(), (work / "sparse.tar").read_bytes()]


def _duplicates() -> list[bytes]:
    """The same name more than once in a layer: containerd takes the last, podman and Docker refuse it."""
    twice = Tar().file("usr/bin/one", _program("one")).hard_link("usr/bin/two", "usr/bin/one").file("usr/bin/one", _program("one again"))
    twice.folder("replaced").file("replaced/by", _program("by")).file("replaced", _program("replaced"))
    twice.file("folder", _program("file")).folder("folder").file("folder/in", _program("in")).folder("folder")
    twice.symlink("way", "usr").file("way/bin/three", _program("three")).file("way", _program("no way"))
    twice.file("bin/.wh.no-applet", b"").file("bin/no-applet", _program("back again"))
    return [twice.bytes()]


class Shared:
    """The archives, and a service that captures."""

    def __init__(self, lab):
        self.work = WORK / "archives"
        self.work.mkdir()
        self.base = lab.images.single.layers[0].tar
        self.service = lab.service(drift="Mode=detect")

    def layout(self, name: str, layers: list[bytes]) -> Path:
        layout = Layout()
        layout.image([self.base, *layers], name, command=SLEEP)
        return layout.tar(self.work / f"{name.rpartition('/')[2].replace(':', '-')}.tar")

    def close(self):
        run("rm", "-rf", self.work)


def _built(archive: Path, *options) -> dict[str, tuple]:
    result = run(CLI, "baseline", "build", archive, "--json", *options, timeout=120)
    if result.status != 0:
        raise TestError(f"baseline build {archive}: {result}")
    return {f["path"]: (f["size"], f["mode"], f["sha256"]) for f in json.loads(result.out)["file_list"]}


def _captured(service, container) -> dict[str, tuple]:
    wait_until("the capture", lambda: service.baseline_of(container)["state"] == "complete", 60)
    files = service.json("baseline", "show", service.baseline_of(container)["id"])["file_list"]
    return {f["path"]: (f["size"], f["mode"], f["sha256"]) for f in files}


def _same(built: dict, captured: dict, what: str):
    differences = {path: (built.get(path), captured.get(path)) for path in built.keys() | captured.keys()
                   if built.get(path) != captured.get(path)}
    check(not differences, lambda: f"{what}: built and captured differ: {dict(sorted(differences.items())[:12])}")
    check(len(built) > 1, f"{what}: there is nothing in it")


def _podman_has(lab, shared, archive: Path, reference: str):
    """A running container of the archive's image, in podman's own storage."""
    podman = lab.runtime("podman-crun")
    podman.require()
    podman.podman("load", "-q", "-i", archive, check=True, timeout=300)
    lab.defer(podman.podman, "rmi", "-f", reference)
    name, _, tag = reference.removeprefix("localhost/").rpartition(":")
    return lab.run("podman-crun", image=Image(name, tag, [], SLEEP))


def _compare(lab, shared, archive: Path, reference: str, *options):
    container = _podman_has(lab, shared, archive, reference)
    built = _built(archive, *options)
    _same(built, _captured(shared.service, container), reference)
    return f"{len(built)} files"


def test_deletions_and_replacements_are_what_the_container_sees(lab, shared):
    archive = shared.layout("localhost/hftest-whiteouts:1", _whiteouts())
    note = _compare(lab, shared, archive, "localhost/hftest-whiteouts:1")
    built = _built(archive)
    opt = {path.removeprefix("/opt/") for path in built if path.startswith("/opt/")}
    equal(opt, {"kept/a", "emptied/new", "to-folder/h", "to-file", "merged/i", "merged/j", "gone/again"}, "files in /opt")
    return note


def test_links_duplicates_modes_and_names_are_what_the_container_sees(lab, shared):
    archive = shared.layout("localhost/hftest-odd:1", _odd_entries(shared.work))
    note = _compare(lab, shared, archive, "localhost/hftest-odd:1")
    built = _built(archive)
    equal(built["/usr/bin/two"][2], built["/usr/bin/three"][2], "a hard link of a hard link")
    equal((built["/usr/bin/setuid"][1], built["/holes"][0]), ("4755", 5_000_000), "mode and size")
    return note


def test_names_that_come_twice_in_a_layer_are_what_the_container_sees(lab, shared):
    containerd = lab.runtime("containerd")
    containerd.require()
    reference = "localhost/hftest-twice:1"
    archive = shared.layout(reference, _duplicates())
    # containerd 1.6 gives the name to the index or to its manifest, as it happens, and may collect the other one meanwhile.
    for _ in range(4):
        if (imported := containerd.ctr("images", "import", "--index-name", reference, archive)).status == 0:
            break
        containerd.ctr("images", "rm", "--sync", reference)
    check(imported.status == 0, f"import: {imported}")
    container = lab.run("containerd", image=Image("hftest-twice", "1", [], SLEEP))
    built = _built(archive)
    _same(built, _captured(shared.service, container), reference)
    check(built["/usr/bin/one"][2] != built["/usr/bin/two"][2], "a name that was written again still is a link")
    return f"{len(built)} files"


def test_docker_archive_of_the_harness_is_what_the_container_sees(lab, shared):
    lab.runtime("podman-crun").require()
    container = lab.run("podman-crun")
    built = _built(lab.images.archive, "--image", lab.images.app.reference)
    _same(built, _captured(shared.service, container), "app:1")
    return f"{len(built)} files"


def test_image_of_buildah_kept_by_skopeo_with_zstd_is_what_the_container_sees(lab, shared):
    podman = lab.runtime("podman-crun")
    podman.require()
    storage = ["--root", WORK / "containers" / "storage", "--runroot", WORK / "containers" / "run", "--storage-driver", "overlay"]

    def buildah(*argv):
        return run("buildah", *storage, *argv, timeout=120, check=True).out.strip().splitlines()[-1:]

    reference, number = "localhost/hftest-buildah:1", next(_numbers)
    working = f"hftest-buildah-{number}"
    buildah("from", "--name", working, lab.images.single.reference if number < 0 else lab.images.pause.reference)
    lab.defer(run, "buildah", *storage, "rm", working)
    for step in range(2):
        root = Path(buildah("mount", working)[0])
        (root / "srv").mkdir(exist_ok=True)
        (root / f"srv/step-{step}").write_bytes(_program(f"step {step}"))
        (root / f"srv/step-{step}").chmod(0o755)
        (root / "srv" / f"link-{step}").hardlink_to(root / f"srv/step-{step}")
        (root / "usr/local/bin" / ("removed" if step == 0 else "replaced")).unlink()
        buildah("umount", working)
        buildah("config", "--cmd", json.dumps(SLEEP), working)
        buildah("commit", "-q", working, reference)
        buildah("rm", working)
        buildah("from", "--name", working, reference)
    lab.defer(podman.podman, "rmi", "-f", reference)
    container = lab.run("podman-crun", image=Image("hftest-buildah", "1", [], SLEEP))
    target = shared.work / "zstd"
    source = f"containers-storage:[overlay@{WORK}/containers/storage+{WORK}/containers/run]{reference}"
    run("skopeo", "--insecure-policy", "copy", "-q", "--dest-compress-format", "zstd", source, f"oci:{target}:1", check=True, timeout=120)
    manifests = [b.read_bytes() for b in (target / "blobs/sha256").iterdir() if b.stat().st_size < 10_000]
    check(any(b"tar+zstd" in m for m in manifests), "skopeo has not compressed by zstd")
    built = _built(target)
    _same(built, _captured(shared.service, container), "buildah's image")
    check("/srv/link-1" in built and "/usr/local/bin/removed" not in built, "what buildah changed is not in it")
    return f"{len(built)} files"


def test_debian_image_is_what_the_container_sees(lab, shared):
    image = debian.image()
    layers = [debian.archive().read_bytes(), image.layers[1].tar]
    layout = Layout()
    layout.image(layers, "localhost/hftest-debian:1", command=SLEEP)
    return _compare(lab, shared, layout.tar(shared.work / "debian.tar"), "localhost/hftest-debian:1")
