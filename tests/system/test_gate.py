"""The gate's promises: detect mode cannot block anything, a verdict has a deadline, strange names and files are borne."""

import subprocess
import time

import drift
from harness import tools
from harness.env import Result, TestError, on_host, wait_until
from harness.lab import check, equal

_OPEN_EXEC_PERM, _OPEN_EXEC = 0x00040000, 0x00001000


def _masks(service) -> set[int]:
    """Of the filesystem marks: the runtimes' are inode marks."""
    return {int(word.split(":")[1], 16) for line in service.fanotify_marks() if " sdev:" in line and " ino:" not in line
            for word in line.split() if word.startswith("mask:")}


def test_detect_mode_takes_no_permission_events(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    masks = _masks(service)
    check(masks, f"no marks on file systems: {service.fanotify_marks()}")
    check(not any(mask & _OPEN_EXEC_PERM for mask in masks), f"masks {masks}")
    check(any(mask & _OPEN_EXEC for mask in masks), f"masks {masks}")
    service.configure("Mode=prevent")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    check(any(mask & _OPEN_EXEC_PERM for mask in _masks(service)), f"masks in prevent mode: {_masks(service)}")
    equal(drift.statuses(container, [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]), {"/tmp/x": 126}, "drift")


def _huge(lab, size=3 << 30):
    """A container whose image and whose upper directory have different sparse programs of the same size at one path."""
    container = lab.create()
    lower = next(f for f in lab.images.unpacked(lab.images.app) if f.name == "attack") / "opt" / "huge"
    if not lower.exists():
        lower.write_bytes(tools.text_tool("huge"))
        lower.chmod(0o755)
        with open(lower, "r+b") as file:
            file.truncate(size)
    container.plant("/opt/huge", tools.payload())
    with open(container.upper / "opt" / "huge", "r+b") as file:
        file.truncate(size)
    lab.defer(lower.unlink, True)
    container.start()
    return container


def _time(container, path) -> tuple[float, int]:
    begin = time.monotonic()
    status = drift.statuses(container, [(":", path)])[path]
    return time.monotonic() - begin, status


def test_verdict_that_takes_too_long_is_answered_at_the_deadline(lab):
    for answer, status in (("deny", 126), ("allow", 0)):
        with lab.scope():
            service = lab.service(gate=f"Deadline=200ms\nOnDeadline={answer}")
            container = _huge(lab)
            seconds, found = _time(container, "/opt/huge")
            equal(found, status, f"exit status with OnDeadline={answer}")
            check(seconds < 1.5, f"the answer took {seconds:.1f} s")
            others, found = _time(container, "/usr/local/bin/tool")
            equal(found, 0, "image code meanwhile")
            check(others < 1.0, f"image code took {others:.1f} s meanwhile")
            missed = wait_until("the missed deadline's alert", lambda: [
                a for a in service.alerts.all() if a["kind"] == "service" and a["reason"] == "deadline"])
            equal(missed[0]["container"]["id"], container.id, "its container")
            check(service.json("status")["gate"]["deadlines_missed"] >= 1, "missed deadlines are not counted")


def test_policy_s_own_answer_at_the_deadline_holds_for_roots_without_layers_too(lab):
    """Whose execution it is must be found through the process there: the gate's thread does not know it at first."""
    lab.service(gate="Deadline=100ms\nOnDeadline=allow", policies={"10-all.policy": "[Drift]\nMode=prevent\nOnDeadline=deny\n"})
    container = lab.create("crun-plain")
    huge = container.upper / "opt" / "huge"
    huge.write_bytes(tools.text_tool("huge"))
    huge.chmod(0o755)
    with open(huge, "r+b") as file:
        file.truncate(1 << 30)
    container.start()
    script = "printf x | dd of=/opt/huge bs=1 seek=1000000 conv=notrunc 2>/dev/null"
    equal(drift.statuses(container, [(script, "/opt/huge")]), {"/opt/huge": 126}, "exit status")


def test_names_with_any_byte_in_them(lab):
    service = lab.service()
    container = lab.run()
    script = r"""n=$(printf '/tmp/a\nb\033[31m\377"\\x'); cp /attack/payload.bin "$n"; chmod 755 "$n"; "$n" evil-name; echo "STATUS $?" """
    result = container.sh(script)
    check("STATUS 126" in result.out, f"{result}")
    alert = service.alerts.wait(container)[0]
    path = alert["file"]["path"]
    check(path.startswith("/tmp/a") and not any(ord(c) < 32 for c in path), f"path {path!r}")


def test_path_of_4000_characters(lab):
    service = lab.service()
    container = lab.run()
    script = ("cd /tmp; d=$(printf 'd%.0s' $(seq 200)); for i in $(seq 19); do mkdir $d && cd $d || exit 9; done; "
              "cp /attack/payload.bin x; chmod 755 x; ./x deep; echo STATUS $?")
    check("STATUS 126" in container.sh(script).out, "a drifted program in a deep directory ran")
    service.alerts.wait(container, reason="added", verdict="deny")


def test_identical_attempts_are_folded(lab):
    service = lab.service()
    container = lab.run()
    script = "cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x; for i in $(seq 300); do /tmp/x again; done 2>/dev/null"
    container.sh(script)
    service.alerts.fence(container)
    found = service.alerts.drift(container, path="/tmp/x")
    equal(len(found), 1, "alerts before the folding ends")
    service.stop()  # tells what is folded
    found = service.alerts.drift(container, path="/tmp/x")
    equal(len(found) + sum(a["repeats"] for a in found) >= 300, True, f"attempts that were told: {[a['repeats'] for a in found]}")
    check(not container.ran("again"), "drift ran")


def test_container_that_no_known_runtime_started_is_found_and_its_exposure_told(lab):
    """An overlay that appears in the host's mount table: seen by mountinfo polling, a moment after the fact."""
    service = lab.service()
    container = lab.create()
    container.plant("/tmp/x", tools.payload())
    root, work = container.upper.parent / "root", container.upper.parent / "work"
    lower = ":".join(map(str, lab.images.unpacked(lab.images.app)))
    _in_host("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={container.upper},workdir={work}", root)
    lab.defer(wait_until, "the unmount", lambda: _in_host("umount", root, refused=True).status == 0)

    def seen():
        return [c for c in service.json("containers")["containers"] if c["id"] is None]

    found = wait_until("the container", seen, 10)
    check(not found[0]["exposures"], f"nobody has executed anything yet: {found}")
    equal(_in_host("chroot", root, "/usr/local/bin/tool").out, "tool v1\n", "image code")
    wait_until("the exposure's alert", lambda: [a for a in service.alerts.all() if a["kind"] == "exposure"])
    check(any(c["exposures"] for c in service.json("containers")["containers"]), "its exposure is not shown")
    check(_in_host("chroot", root, "/tmp/x", "odd", refused=True).status != 0 and not container.ran("odd"), "drift ran")


def _in_host(*argv, refused=False):
    command, options = on_host(*map(str, argv))
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)
    if done.returncode != 0 and not refused:
        raise TestError(f"{argv}: {done.stderr}")
    return Result(done.returncode, done.stdout)
