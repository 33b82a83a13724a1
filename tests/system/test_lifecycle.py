"""One container's life, in every runtime: what the image shipped runs, what came later does not, and both are told truly."""

import os

import drift
from harness import tools
from harness.env import Skip, TestError
from harness.lab import check, equal


class Shared:
    """Containers that run before the service does, the service, and a main container of each runtime."""

    def __init__(self, lab):
        self.lab, self.problems, self.before, self.main = lab, {}, {}, {}
        self.mode = "prevent"
        for name in lab.names:
            try:
                container = lab.create(name)
                container.plant("/tmp/old", tools.payload())
                container.plant("/usr/local/bin/patched", tools.payload())
                container.start()
                self.before[name] = container
            except (Skip, TestError, OSError) as why:
                self.problems[name] = why
        self.service = lab.service()

    def ready(self, runtime: str):
        if runtime in self.problems:
            raise self.problems[runtime]

    def container(self, runtime: str):
        """The container that most tests of a runtime share, started while the service ran."""
        self.ready(runtime)
        if runtime not in self.main:
            try:
                self.main[runtime] = self.lab.runtime(runtime).run()
            except (TestError, OSError) as why:
                self.problems[runtime] = why
                raise
        return self.main[runtime]

    def detect(self):
        if self.mode != "detect":
            self.mode = "detect"
            self.service.configure("Mode=detect")
            result = self.service.cli("policy", "reload")
            equal(result.status, 0, f"policy reload ({result.out.strip()})")

    def close(self):
        for container in self.main.values():
            container.remove()


def test_container_from_before_the_service_is_judged_as_a_fresh_one(shared, runtime):
    shared.ready(runtime)
    container, alerts = shared.before[runtime], shared.service.alerts
    found = drift.statuses(container, [(":", path) for path in (
        "/tmp/old", "/usr/local/bin/patched", "/usr/local/bin/tool", "/usr/local/bin/hello")])
    equal(list(found.values()), [126, 126, 0, 0], "exit statuses of old drift (two) and image code (two)")
    alerts.wait(container, path="/tmp/old", reason="added", verdict="deny")
    alerts.wait(container, path="/usr/local/bin/patched", reason="modified", verdict="deny")
    check(not container.ran("old"), "the drifted program ran")
    container.remove()


def test_first_exec_of_a_container_is_judged(lab, shared, runtime):
    shared.ready(runtime)
    container = lab.create(runtime, argv=["/drift/first", "first"])
    container.plant("/drift/first", tools.payload())
    container.plant("/tmp/keep", b"", 0o644)
    container.start()
    shared.service.alerts.wait(container, path="/drift/first", reason="added", verdict="deny")
    check(not container.ran("first"), "the container's first program ran although it is drift")


def test_image_code_runs_without_an_alert(shared, runtime):
    container = shared.container(runtime)
    equal(container.exec("/usr/local/bin/tool").out.strip(), "tool v1", "what the image's program says")
    equal(container.exec("/usr/local/bin/hello").out.strip(), "hello", "what the image's script says")
    found = drift.statuses(container, [(":", path) for path in drift.UNTOUCHED])
    equal(set(found.values()), {0}, f"exit statuses {found}")
    shared.service.alerts.expect_none(container)


def test_touched_image_files_run_without_an_alert(shared, runtime):
    container = shared.container(runtime)
    found = drift.statuses(container, [(do, path) for path, do in drift.TOUCHED.items()])
    equal(set(found.values()), {0}, f"exit statuses {found}")
    shared.service.alerts.expect_none(container)


def test_copies_of_image_code_run(shared, runtime):
    container = shared.container(runtime)
    found = drift.statuses(container, [(do, path) for path, do in drift.COPIES.items()])
    equal(set(found.values()), {0}, f"exit statuses {found}")
    shared.service.alerts.expect_none(container)


def test_drift_is_denied_and_told_once_with_the_right_reason_and_names(shared, runtime):
    container, alerts = shared.container(runtime), shared.service.alerts
    found = drift.drift(container)
    equal(found, {step.path: 126 for step in drift.STEPS}, "exit statuses (126: refused)")
    for step in drift.STEPS:
        alert = alerts.wait(container, path=step.path)[0]
        said = {key: alert.get(key) for key in ("verdict", "reason", "mode", "policy", "repeats")}
        equal(said, {"verdict": "deny", "reason": step.reason, "mode": "prevent", "policy": "default", "repeats": 0},
              f"alert of {step.name}")
        _check_names(alert, container)
    _check_details(alerts.drift(container, path="/opt/chameleon-0")[0], container)


def _check_names(alert, container):
    said = alert["container"]
    for key, value in container.expected().items():
        equal(said.get(key, ""), value, f"container.{key}")


def _check_details(alert, container):
    for key in ("path", "sha256", "size", "mode", "uid", "gid", "mtime", "ctime", "layer"):
        check(key in alert["file"], lambda key=key: f"file.{key} is missing: {alert['file']}")
    equal(alert["file"]["layer"], "upper", "file.layer")
    check(alert["file"]["sha256"] != alert["image_file"]["sha256"], "the two hashes are equal")
    equal(alert["file"]["size"], alert["image_file"]["size"], "size, which the attack left alone")
    for key in ("pid", "ppid", "exe", "cmdline", "uid", "gid", "cwd", "started"):
        check(key in alert["process"], lambda key=key: f"process.{key} is missing: {alert['process']}")
    equal(alert["process"]["exe"], "/bin/busybox", "process.exe")
    check(str(os.getpid()) not in [str(a["pid"]) for a in alert["ancestors"]],
          lambda: f"ancestors go on beyond the container, to the host's processes: {[a['exe'] for a in alert['ancestors']]}")


def test_stopped_and_started_again_dirty_is_judged_as_a_fresh_one(lab, shared, runtime):
    shared.ready(runtime)
    if not lab.runtime(runtime).restarts:
        raise Skip(f"{runtime} starts no container again: a kubelet makes a new one")
    container, alerts = lab.run(runtime), shared.service.alerts
    drift.drift(container)
    drift.statuses(container, [(do, path) for path, do in {**drift.TOUCHED, **drift.COPIES}.items()])
    container.stop()
    equal(container.start().status, 0, "start again")
    found = drift.statuses(container, [
        ("cp /attack/payload-2.bin /tmp/added; chmod 755 /tmp/added", "/tmp/added"), (":", "/opt/chameleon-0"),
        (":", "/opt/data.bin"), (":", "/usr/local/bin/tool"), (":", "/usr/local/bin/touched"), (":", "/tmp/copy")])
    equal(list(found.values()), [126, 126, 126, 0, 0, 0], f"exit statuses of drift (three) and image code (three): {found}")
    alerts.fence(container)
    check(not container.ran("chameleon-0") and not container.ran("data.bin"), "drift ran after the restart")


def test_restarted_container_whose_first_act_is_its_old_drift(lab, shared, runtime):
    shared.ready(runtime)
    if not lab.runtime(runtime).restarts:
        raise Skip(f"{runtime} starts no container again: a kubelet makes a new one")
    script = ("[ -x /tmp/mine ] && exec /tmp/mine again; cp /attack/payload.bin /tmp/mine; chmod 755 /tmp/mine; "
              "exec sleep 1000000")
    container = lab.run(runtime, argv=["/bin/sh", "-c", script])
    shared.service.alerts.fence(container)
    container.stop()
    container.start()
    shared.service.alerts.wait(container, path="/tmp/mine", reason="added", verdict="deny")
    check(not container.ran("again"), "the drifted program ran")


def test_detect_mode_tells_each_once_and_stops_nothing(lab, shared, runtime):
    shared.ready(runtime)
    shared.detect()
    container, alerts = lab.run(runtime), shared.service.alerts
    found = drift.drift(container)
    equal(found, {step.path: step.status for step in drift.STEPS}, "exit statuses")
    for step in drift.STEPS:
        alert = alerts.wait(container, path=step.path)[0]
        said = {key: alert.get(key) for key in ("verdict", "reason", "mode", "repeats")}
        equal(said, {"verdict": "allow", "reason": step.reason, "mode": "detect", "repeats": 0}, f"alert of {step.name}")
        _check_names(alert, container)
    check(container.ran("added") and container.ran("chameleon-0"), "detect mode stopped drift")
    alerts.expect_none(container, verdict="deny")


def test_detect_mode_is_silent_about_image_code(lab, shared, runtime):
    shared.ready(runtime)
    shared.detect()
    container = lab.run(runtime)
    found = drift.statuses(container, [(":", path) for path in drift.UNTOUCHED] +
                           [(do, path) for path, do in {**drift.TOUCHED, **drift.COPIES}.items()])
    equal(set(found.values()), {0}, f"exit statuses {found}")
    shared.service.alerts.expect_none(container)


def test_prevent_again_after_detect(lab, shared):
    shared.detect()
    container = lab.run(lab.names[0])
    shared.service.configure("Mode=prevent")
    shared.mode = "prevent"
    equal(shared.service.cli("policy", "reload").status, 0, "policy reload")
    equal(drift.drift(container), {step.path: 126 for step in drift.STEPS}, "exit statuses (126: refused)")
