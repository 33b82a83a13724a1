"""Roots without layers (plain directories, Podman's vfs): what they hold when they are first started is the image."""

import os
from pathlib import Path

import drift
from harness import tools
from harness.env import run, wait_until
from harness.lab import check, equal

RUNTIMES = ["crun-plain", "runc-plain", "podman-vfs"]

_LATER = [("mkdir -p /made/later; cp /attack/payload.bin /made/later/x; chmod 755 /made/later/x", "/made/later/x"),
          ("cp -r /made/later /made/copied", "/made/copied/x"),
          ("mkdir /made/a; cp /attack/payload-2.bin /made/a/x; chmod 755 /made/a/x; mv /made/a /made/b", "/made/b/x")]


class Shared:
    def __init__(self, lab):
        self.lab, self.main = lab, {}
        self.service = lab.service()

    def container(self, runtime):
        if runtime not in self.main:
            self.main[runtime] = self.lab.runtime(runtime).run()
        return self.main[runtime]

    def detect(self):
        self.service.configure("Mode=detect")
        equal(self.service.cli("policy", "reload").status, 0, "policy reload")

    def close(self):
        for container in self.main.values():
            container.remove()


def test_image_code_runs_from_the_first_execution_on(lab, shared, runtime):
    container = lab.run(runtime, argv=["/bin/sh", "-c", "/usr/local/bin/tool >/tmp/said; /usr/local/bin/hello >>/tmp/said; exec sleep 1000000"])
    said = container.upper / "tmp" / "said"
    wait_until("its first programs' words", lambda: said.exists() and said.read_text() == "tool v1\nhello\n")
    listed = next(c for c in shared.service.containers() if c["id"] == container.id)
    equal(shared.service.baseline_of(container)["kind"], "snapshot", "the baseline's kind")
    check(listed["mediated"], f"it is not mediated: {listed}")
    equal(shared.service.alerts.drift(container), [], "alerts")


def test_drift_is_denied_and_told_with_its_reason(shared, runtime):
    container, alerts = shared.container(runtime), shared.service.alerts
    equal(drift.drift(container), {step.path: 126 for step in drift.STEPS}, "exit statuses (126: refused)")
    for step in drift.STEPS:
        alert = alerts.wait(container, path=step.path)[0]
        equal((alert["verdict"], alert["reason"]), ("deny", step.reason), f"alert of {step.name}")


def test_directories_made_later_are_watched(shared, runtime):
    container = shared.container(runtime)
    equal(drift.statuses(container, _LATER), {path: 126 for _, path in _LATER}, "exit statuses of drift in new directories")
    for _, path in _LATER:
        shared.service.alerts.wait(container, path=path, reason="added", verdict="deny")


def test_process_that_has_changed_its_root_is_judged_too(shared, runtime):
    container = shared.container(runtime)
    script = ("mkdir -p /opt/jail/tmp /tmp/jail/tmp; for d in /opt/jail /tmp/jail; do cp /attack/payload.bin $d/x; chmod 755 $d/x; "
              "chroot $d /x jail >/dev/null 2>&1; echo STATUS $?; done")
    out = container.sh(script).out
    marks = [str(p) for p in (container.upper / "opt/jail/tmp", container.upper / "tmp/jail/tmp") if (p / "RAN-jail").exists()]
    equal((out.split(), marks), (["STATUS", "126"] * 2, []), "exit statuses, and where drift ran")


def test_untouched_touched_and_copied_code_runs(shared, runtime):
    container = shared.container(runtime)
    found = drift.statuses(container, [(":", path) for path in drift.UNTOUCHED] +
                           [(do, path) for path, do in {**drift.TOUCHED, **drift.COPIES}.items()])
    equal(set(found.values()), {0}, f"exit statuses {found}")


def test_the_host_itself_is_not_marked(shared, runtime):
    container = shared.container(runtime)
    equal(container.exec("/usr/local/bin/tool").status, 0, "exit status of image code")
    inside = {os.stat(folder).st_ino for other in shared.main.values() for folder, _, _ in os.walk(other.upper)}
    programs = {os.stat(path).st_ino for name in ("crun", "runc", "docker-runc", "youki") for folder in ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
                if os.path.exists(path := f"{folder}/{name}")}
    # Directories of containers that were removed are let go after some seconds.
    wait_until("no mark is anywhere but on runtimes and in roots", lambda: not _marks_elsewhere(shared.service, inside | programs), 10,
               failure=lambda: f"marked: {_marks_elsewhere(shared.service, inside | programs)}")
    seen = inside & {inode for inode, _ in _marked_on_the_host(shared.service)}
    check(seen, "no directory of the root is marked, so this proves nothing")
    return f"{len(seen)} directories"


def test_removed_container_is_forgotten(lab, shared, runtime):
    container = lab.run(runtime)
    equal(container.exec("/usr/local/bin/tool").status, 0, "exit status of image code")
    id_ = container.id
    check(any(c["id"] == id_ for c in shared.service.containers()), "the container is not listed")
    container.remove()
    wait_until("it is listed no more", lambda: all(c["id"] != id_ for c in shared.service.containers()), 15)


def _marked_on_the_host(service) -> list[tuple[int | None, str]]:
    """Marks on the host's own file system or mounts: the inode, if it is one's, and the line."""
    host, found = os.stat("/").st_dev, []
    host_mounts = {line.split()[0] for line in Path("/proc/1/mountinfo").read_text().splitlines()}
    for line in service.fanotify_marks():
        words = dict(word.split(":", 1) for word in line.split() if ":" in word)
        number = int(words.get("sdev", "0"), 16)
        if ("mnt_id" in words and str(int(words["mnt_id"], 16)) in host_mounts) or os.makedev(number >> 20, number & 0xfffff) == host:
            found.append((int(words["ino"], 16) if "ino" in words else None, line))
    return found


def _marks_elsewhere(service, allowed: set[int]) -> list[str]:
    return [f"{_name_of(inode) if inode else 'a mount or file system'}: {line}" for inode, line in _marked_on_the_host(service) if inode not in allowed]


def _name_of(inode: int) -> str:
    return run("find", "/usr", "/tmp", "-xdev", "-inum", inode).out.strip()[:200] or "unknown"


def test_first_program_of_the_first_start_is_the_image_s_and_of_a_dirty_one_is_judged(lab, shared, runtime):
    script = "[ -x /tmp/mine ] && exec /tmp/mine again; cp /attack/payload.bin /tmp/mine; chmod 755 /tmp/mine; exec sleep 1000000"
    container = lab.run(runtime, argv=["/bin/sh", "-c", script])
    shared.service.alerts.fence(container)
    container.stop()
    container.start()
    shared.service.alerts.wait(container, path="/tmp/mine", reason="added", verdict="deny")
    check(not container.ran("again"), "the drifted program ran")


def test_dirty_root_is_judged_by_the_first_snapshot_even_of_an_earlier_service(lab, shared, runtime):
    service = shared.service
    container = lab.run(runtime)
    equal(drift.drift(container), {step.path: 126 for step in drift.STEPS}, "exit statuses (126: refused)")
    container.stop()
    service.stop()
    container.plant("/usr/local/bin/tool", tools.payload("between"))
    service.start()
    begun = len(service.alerts.all())
    equal(container.start().status, 0, "start again")
    wanted = {"/tmp/added": "added", "/usr/local/bin/appended": "modified", "/opt/data.bin": "made-executable",
              "/usr/local/bin/tool": "modified", "/usr/local/bin/hello": "modified"}
    found = drift.statuses(container, [(":", path) for path in [*wanted, "/usr/local/bin/spare"]])
    equal(found, {path: 126 for path in wanted} | {"/usr/local/bin/spare": 0}, "exit statuses (126: refused)")
    service.alerts.fence(container)
    told = {a["file"]["path"]: a["reason"] for a in service.alerts.all()[begun:]
            if a["kind"] == "drift" and a["container"]["id"] == container.id and "/fence-" not in a["file"]["path"]}
    equal(told, wanted, "reasons")


def test_service_that_starts_again_protects_what_still_runs(lab, shared, runtime):
    service = shared.service
    container = lab.run(runtime)
    equal(container.exec("/usr/local/bin/tool").status, 0, "exit status of image code")
    service.stop()
    container.sh("mkdir /gap; cp /attack/payload.bin /gap/x; chmod 755 /gap/x")
    service.start()
    first = container.sh("/gap/x gap >/dev/null 2>&1; echo STATUS $?").out
    check("STATUS 126" in first and not container.ran("gap"), f"drift from while no service ran was executed ({first.strip()})")
    found = drift.statuses(container, [*[(s.prepare, s.path) for s in drift.STEPS[:2]], (":", "/usr/local/bin/tool")])
    equal(list(found.values()), [126, 126, 0], f"exit statuses {found}")


def test_root_that_ran_before_the_service_is_told_as_exposed(lab, shared, runtime):
    service = shared.service
    service.stop()
    begun = len(service.alerts.all())
    container = lab.run(runtime)
    service.start()
    wait_until(f"the exposure's alert (container {container.id}; the service's log: {service.log_tail()[-300:]!r})",
               lambda: [a for a in service.alerts.all()[begun:] if a["kind"] == "exposure"], 3)


def test_detect_mode_tells_each_once_and_stops_nothing(lab, shared, runtime):
    shared.detect()
    container = lab.run(runtime)
    found = drift.statuses(container, [(s.prepare, s.path) for s in drift.STEPS] + _LATER)
    wanted = {s.path: s.status for s in drift.STEPS} | {path: 0 for _, path in _LATER}
    equal(found, wanted, "exit statuses")
    wanted = {s.path: s.reason for s in drift.STEPS} | {path: "added" for _, path in _LATER}
    gate = shared.service.json("status")["gate"]
    wait_until(f"the last alert (the gate: {gate})", lambda: shared.service.alerts.drift(container, path=_LATER[-1][1]), 3)
    told = [a for a in shared.service.alerts.drift(container) if "/fence-" not in a["file"]["path"]]
    check(all((a["verdict"], a["repeats"]) == ("allow", 0) for a in told), f"verdicts and repeats: {told}")
    equal(sorted((a["file"]["path"], a["reason"]) for a in told), sorted(wanted.items()), "alerts")
