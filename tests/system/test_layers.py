"""Images of every shape that overlayfs knows: many layers, relative names, whiteouts, redirects, metacopy; and their capture."""

import ctypes
import os
import time

import drift
from harness import tools
from harness.env import WORK, Skip, TestError, mount, run, umount, wait_until
from harness.images import Image, Layer
from harness.lab import check, equal

_SIZE, _COUNT = 16 << 20, 300  # sparse programs of the big image
_ADD = ("cp /attack/payload.bin /tmp/added; chmod 755 /tmp/added", "/tmp/added")


def _begin(lab, mounted, argv=None):
    """A container of crun's whose overlay `mounted(folder)` mounts at folder/root."""
    container = lab.create("crun", argv=argv)
    runtime = container.runtime
    mounted(runtime.folder / container.name)
    runtime.configure(container)
    result = runtime.launch(container, "-d")
    equal(result.status, 0, f"start ({result.out.strip()[-300:]})")
    return container


def _program(path, words, mode=0o755):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(words)
    path.chmod(mode)


def _many(lab, folder, number):
    """`number` directories, top first: each with a program of its own, and one that each layer replaces; then app's."""
    layers = []
    below = lab.images.unpacked(lab.images.app)
    for i in range(number - len(below)):
        layer = folder / f"{i:02}"
        _program(layer / "many" / f"p{i:02}", tools.text_tool("many") + b"%02d" % i)
        _program(layer / "many" / "same", tools.text_tool("many") + b"same%02d" % i)
        layers.append(layer)
    return layers + below


def _all_run(lab, container, service, layers):
    number = layers - len(lab.images.unpacked(lab.images.app)) + 1  # one in each layer that _many made, and `same`
    script = "n=0; for p in /many/*; do $p >/dev/null && n=$((n+1)); done; echo RAN $n"
    equal(container.sh(script).out.split()[-2:], ["RAN", str(number)], "programs of the layers that ran")
    equal(drift.statuses(container, [(":", "/usr/local/bin/tool")])["/usr/local/bin/tool"], 0, "exit status of the lowest")
    equal(service.alerts.drift(container), [], "alerts")
    equal(drift.statuses(container, [_ADD, ("echo x >>/many/p00", "/many/p00")]), {"/tmp/added": 126, "/many/p00": 126}, "drift")
    service.alerts.wait(container, path="/tmp/added", reason="added", verdict="deny")
    service.alerts.wait(container, path="/many/p00", reason="modified", verdict="deny")
    listed = next(c for c in service.containers() if c["id"] == container.id)
    check(listed["mediated"] and not listed.get("exposures"), f"it is not mediated: {listed}")


def test_70_layers_by_relative_names(lab):
    """As Podman mounts them: short links in l/, all names relative to the storage directory."""
    service = lab.service()

    def mounted(folder):
        (folder / "l").mkdir()
        layers, names = _many(lab, folder / "layers", 70), []
        for i, layer in enumerate(layers):
            names.append(f"l/{i:026}")
            (folder / names[-1]).symlink_to(os.path.relpath(layer, folder / "l"))
        os.chdir(folder)
        try:
            mount("overlay", "root", "overlay", f"lowerdir={':'.join(names)},upperdir=upper,workdir=work")
        finally:
            os.chdir("/")

    _all_run(lab, _begin(lab, mounted), service, 70)


def _fsmount(options, place):
    """The new mount API, whose lists have no limit of a page; the calls have the same numbers everywhere."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long

    def call(what, *arguments):
        result = libc.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")
        return result

    context = call("fsopen", 430, b"overlay", 0)
    try:
        for key, value in options:
            call(f"fsconfig {key}", 431, context, 1, key.encode(), os.fsencode(value), 0)
        call("fsconfig create", 431, context, 6, None, None, 0)
        tree = call("fsmount", 432, context, 0, 0)
        try:
            call("move_mount", 429, tree, b"", -100, os.fsencode(place), 4)
        finally:
            os.close(tree)
    finally:
        os.close(context)


def test_70_layers_whose_list_is_longer_than_a_page(lab):
    service = lab.service()

    def mounted(folder):
        layers = _many(lab, folder / ("long" * 50), 70)
        options = [("source", "overlay"), *(("lowerdir+", str(layer)) for layer in layers),
                   ("upperdir", str(folder / "upper")), ("workdir", str(folder / "work"))]
        try:
            _fsmount(options, folder / "root")
        except OSError as why:
            raise Skip(f"the kernel takes no layers one by one ({why})") from None
        check(sum(len(str(layer)) for layer in layers) > 8192, "the list is short, so this proves nothing")

    _all_run(lab, _begin(lab, mounted), service, 70)


def test_layer_directories_with_any_byte_in_their_names(lab):
    service = lab.service()

    def mounted(folder):
        odd = folder / os.fsdecode(b"a:b,c d\\e\nf\xff=")
        layers = _many(lab, odd, 6)
        text = ":".join(str(layer).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,") for layer in layers)
        _mount_raw(folder / "root", f"lowerdir={text},upperdir={folder / 'upper'},workdir={folder / 'work'}")

    _all_run(lab, _begin(lab, mounted), service, 6)


def _mount_raw(place, options):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"overlay", os.fsencode(place), b"overlay", 0, os.fsencode(options)) != 0:
        raise OSError(ctypes.get_errno(), f"mount overlay on {place}")


def _overlay(folder, layers, *options):
    mount("overlay", folder / "root", "overlay", ",".join(
        [f"lowerdir={':'.join(map(str, layers))},upperdir={folder / 'upper'},workdir={folder / 'work'}", *options]))


def _written(path, content) -> str:
    """Shell that writes a program into the container byte by byte: no file of the image has its content."""
    text = "".join(f"\\{byte:03o}" for byte in content)
    return f"printf '{text}' >{path}; chmod 755 {path}"


def test_deleted_and_hidden_programs_of_lower_layers_are_no_image_code(lab):
    service = lab.service()
    gone, hidden, shown = (tools.text_tool(name) for name in ("removed", "hidden", "shown"))

    def mounted(folder):
        lower, upper_layer = folder / "lower", folder / "hiding"
        _program(lower / "opq" / "hidden", hidden)
        _program(upper_layer / "opq" / "shown", shown)
        _program(lower / "made" / "hidden", hidden + b"2")
        (upper_layer / "made").mkdir()
        os.setxattr(upper_layer / "made", "trusted.overlay.opaque", b"y")
        os.setxattr(upper_layer / "opq", "trusted.overlay.opaque", b"y")
        _overlay(folder, [upper_layer, lower, *lab.images.unpacked(lab.images.app)])

    container = _begin(lab, mounted)
    found = drift.statuses(container, [
        (":", "/opq/shown"), ("[ ! -e /usr/local/bin/removed ] && " + _written("/usr/local/bin/removed", gone), "/usr/local/bin/removed"),
        ("[ ! -e /opq/hidden ] && " + _written("/opq/hidden", hidden), "/opq/hidden"),
        (_written("/made/hidden", hidden + b"2"), "/made/hidden")])
    equal(list(found.values()), [0, 126, 126, 126], f"exit statuses of image code, and what the image deleted (3): {found}")
    for path in ("/usr/local/bin/removed", "/opq/hidden", "/made/hidden"):
        service.alerts.wait(container, path=path, reason="added", verdict="deny")
    equal(service.alerts.drift(container, path="/opq/shown"), [], "alerts of image code")


def _redirected(folder, base):
    """A middle layer made by the kernel: a directory renamed over it, and files of which it holds metadata only."""
    lower, middle, place = folder / "lower", folder / "middle", folder / "making"
    for path in (middle, place, folder / "making-work"):
        path.mkdir()
    for name in ("one", "two"):
        _program(lower / "before" / "sub" / name, tools.text_tool(f"redirected-{name}"))
    _program(lower / "opt" / "meta", tools.text_tool("meta"), 0o644)
    _program(lower / "opt" / "meta2", tools.text_tool("meta2"))
    mount("overlay", place, "overlay", f"lowerdir={lower}:{base[0]},upperdir={middle},workdir={folder / 'making-work'},redirect_dir=on,metacopy=on")
    os.rename(place / "before", place / "after")
    (place / "opt" / "meta").chmod(0o755)
    os.chown(place / "opt" / "meta2", 1234, 1234)
    os.rename(place / "opt" / "meta2", place / "opt" / "meta3")
    umount(place)
    check(b"redirect" in b"".join(n.encode() for n in os.listxattr(middle / "after")), "the kernel made no redirect")
    check("trusted.overlay.metacopy" in os.listxattr(middle / "opt" / "meta"), "the kernel made no metacopy file")
    return [middle, lower, *base]


def test_redirected_directories_and_metacopy_files_are_image_code(lab):
    service = lab.service()
    container = _begin(lab, lambda folder: _overlay(
        folder, _redirected(folder, lab.images.unpacked(lab.images.app)), "redirect_dir=on", "metacopy=on"))
    script = [(":", "/after/sub/one"), (":", "/after/sub/two"), (":", "/opt/meta"), (":", "/opt/meta3"),
              ("chmod 700 /after/sub/two", "/after/sub/two"), ("mv /after /third", "/third/sub/one")]
    found = drift.statuses(container, script[:4])
    equal(set(found.values()), {0}, f"exit statuses {found}")
    found = drift.statuses(container, script[4:])
    equal(set(found.values()), {0}, f"exit statuses after the container has made its own metacopy and redirect: {found}")
    service.alerts.expect_none(container)
    found = drift.statuses(container, [
        _ADD, ("echo x >>/opt/meta", "/opt/meta"), ("echo x >>/opt/meta3", "/opt/meta3"),
        (_written("/third/sub/one", tools.text_tool("written-over")), "/third/sub/one")])
    equal(set(found.values()), {126}, f"exit statuses of drift {found}")
    service.alerts.wait(container, path="/opt/meta", reason="modified", verdict="deny")


def test_program_of_the_image_with_any_byte_in_its_name(lab):
    service = lab.service()
    name = b"od\nd\xff\x1b[31m\"\\ \xe2\x80\xae"

    def mounted(folder):
        _program(folder / "lower" / "opt" / os.fsdecode(name), tools.text_tool("odd"))
        _overlay(folder, [folder / "lower", *lab.images.unpacked(lab.images.app)])

    container = _begin(lab, mounted)
    octal = "".join(f"\\{byte:03o}" for byte in name)
    script = f"""n=$(printf '/opt/{octal}'); "$n"; echo "STATUS $?"; """
    check("odd\nSTATUS 0" in container.sh(script).out, f"image code did not run: {container.sh(script)}")
    equal(service.alerts.drift(container), [], "alerts")
    wait_until("the capture", lambda: service.baseline_of(container)["state"] == "complete")
    baseline = service.baseline_of(container)["id"]
    wanted = "/opt/od\\x0ad\\xff\\x1b[31m\"\\\\ \\xe2\\x80\\xae"
    files = service.json("baseline", "show", baseline)["file_list"]
    paths = [file["path"] for file in files if file["path"].startswith("/opt/od")]
    equal([path.replace("\\\\", "\\") for path in paths], [wanted.replace("\\\\", "\\")], "its path in baseline show --json")
    text = service.cli("baseline", "show", baseline).out
    lines = [line for line in text.split("\n") if "/opt/od" in line]
    check(len(lines) == 1 and lines[0].rstrip().endswith(paths[0]), f"baseline show prints {lines}")
    check("\x1b" not in text and not any("\udc80" <= c <= "\udcff" for c in text), "raw bytes in baseline show")
    explained = service.cli("explain", container.id, os.fsdecode(b"/opt/" + name))
    equal(explained.status, 0, f"explain ({explained.out.strip()[-300:]})")


def _big(lab) -> Image:
    """An image whose capture takes seconds: sparse programs, each with content of its own."""
    folder = WORK / "layers" / "big"
    if not folder.exists():
        for i in range(_COUNT):
            path = folder / "big" / f"{i:03}"
            _program(path, tools.text_tool("big") + b"%03d" % i)
            os.truncate(path, _SIZE)
    return Image("hftest-big", "1", [*lab.images.app.layers, Layer("big")], lab.images.app.command)


def _captured(service, container):
    return service.baseline_of(container)["state"] == "complete"


def test_capture_goes_on_after_a_kill_and_nobody_waits_for_it(lab):
    service = lab.service(gate="Deadline=5s\nOnDeadline=deny\nHashThreads=1")
    image = _big(lab)
    lab.defer(lambda: run("rm", "-rf", WORK / "layers" / "big"))
    total = _SIZE * _COUNT
    container = lab.run("crun", image=image)
    seconds = _first_runs(service, container, "before the kill")

    def progress():
        return service.json("status")["baselines"]["bytes_hashed"]

    wait_until("half of the capture", lambda: progress() > total // 2, 60)
    check(not _captured(service, container), "the capture has ended, so this proves nothing")
    service.kill()
    service.start()
    again = _first_runs(service, container, "after the restart")
    wait_until("the capture's end", lambda: _captured(service, container), 120, 0.05)
    after = service.json("status")["baselines"]
    check(after["bytes_hashed"] < total * 3 // 4, f"{after['bytes_hashed']} of {total} bytes were hashed after the restart: {after}")
    check(after["cache_hits"] > _COUNT // 4, f"the capture began anew: {after}")
    equal(drift.statuses(container, [(":", "/big/150"), _ADD, ("echo x >>/big/007", "/big/007")]),
          {"/big/150": 0, "/tmp/added": 126, "/big/007": 126}, "exit statuses after the capture")
    return f"first executions {seconds:.2f} s and {again:.2f} s, {after['cache_hits']} hashes kept"


def _first_runs(service, container, when) -> float:
    """Image code during the capture; the slowest."""
    slowest = 0.0
    for path in ("/usr/local/bin/tool", "/big/299", "/big/000"):
        begin = time.monotonic()
        equal(drift.statuses(container, [(":", path)])[path], 0, f"exit status of {path} {when}")
        slowest = max(slowest, time.monotonic() - begin)
    check(not _captured(service, container), f"the capture ended too early {when}, so this proves nothing")
    check(slowest < 1.0, f"an execution took {slowest:.1f} s {when}")
    equal(service.alerts.drift(container), [], f"alerts {when}")
    if service.json("status")["gate"]["deadlines_missed"]:
        raise TestError(f"a deadline was missed {when}")
    return slowest
