"""Policies: who they fit, what they except and prohibit, and how they change while containers run."""

import hashlib
import time

import drift
from harness import tools
from harness.env import run, wait_until
from harness.lab import check, equal

_DROP = "cp /attack/payload.bin {0}; chmod 755 {0}"


def _reload(service):
    result = service.cli("policy", "reload")
    equal(result.status, 0, f"policy reload ({result.out.strip()})")


def test_allow_by_path_and_by_hash(lab):
    digest = hashlib.sha256(tools.payload("2")).hexdigest()
    service = lab.service(policies={"10-all.policy": f"""[Match]
[Drift]
Mode=prevent
[Allow plugins]
Path=/opt/plugins/*
Reason=vendor
[Allow known]
Sha256={digest}
Reason=known program
"""})
    container = lab.run()
    found = drift.statuses(container, [
        ("mkdir /opt/plugins; " + _DROP.format("/opt/plugins/one"), "/opt/plugins/one"),
        (_DROP.format("/opt/plugin"), "/opt/plugin"),
        ("cp /attack/payload-2.bin /tmp/known; chmod 755 /tmp/known", "/tmp/known"),
        ("ln -s /tmp/other /opt/plugins/link; " + _DROP.format("/tmp/other"), "/opt/plugins/link"),
        (":", "/opt/plugins/../plugin")])
    equal(found, {"/opt/plugins/one": 0, "/opt/plugin": 126, "/tmp/known": 0, "/opt/plugins/link": 126,
                  "/opt/plugins/../plugin": 126}, "exit statuses")
    service.alerts.wait(container, path="/opt/plugin", verdict="deny")
    service.alerts.wait(container, path="/tmp/other", verdict="deny")
    equal(service.alerts.drift(container, path="/opt/plugins/one"), [], "alerts of an excepted file")
    shown = service.cli("policy", "show", container.id)
    check(shown.status == 0 and "plugins" in shown.out, f"policy show: {shown}")


def test_deny_by_path_and_by_hash_prohibits_image_code(lab):
    digest = hashlib.sha256(tools.text_tool("only v1")).hexdigest()
    service = lab.service(policies={"10-all.policy": f"""[Drift]
Mode=prevent
[Deny tool]
Path=/usr/local/bin/tool
[Deny only]
Sha256={digest}
"""})
    container = lab.run()
    found = drift.statuses(container, [(":", "/usr/local/bin/tool"), (":", "/usr/local/bin/only-1"),
                                       ("cp /usr/local/bin/only-1 /tmp/renamed", "/tmp/renamed"), (":", "/usr/local/bin/hello")])
    equal(found, {"/usr/local/bin/tool": 126, "/usr/local/bin/only-1": 126, "/tmp/renamed": 126, "/usr/local/bin/hello": 0},
          "exit statuses")
    for path in ("/usr/local/bin/tool", "/usr/local/bin/only-1", "/tmp/renamed"):
        service.alerts.wait(container, path=path, reason="prohibited", verdict="deny")


def test_prohibition_comes_into_force_with_a_reload(lab):
    service = lab.service()
    container = lab.run()
    equal(container.exec("/usr/local/bin/tool").status, 0, "before")
    service.policy("10-all.policy", "[Drift]\nMode=prevent\n[Deny tool]\nPath=/usr/local/bin/tool\n")
    _reload(service)
    equal(drift.statuses(container, [(":", "/usr/local/bin/tool")]), {"/usr/local/bin/tool": 126}, "after")
    service.policy("10-all.policy", None)
    _reload(service)
    equal(container.exec("/usr/local/bin/tool").status, 0, "without it again")


def test_sighup_reloads(lab):
    service = lab.service()
    container = lab.run()
    steps = [(_DROP.format("/tmp/x"), "/tmp/x")]
    equal(drift.statuses(container, steps), {"/tmp/x": 126}, "before")
    service.policy("10-all.policy", "[Drift]\nMode=off\n")
    service.signal_reload()
    wait_until("reload", lambda: drift.statuses(container, steps) == {"/tmp/x": 0}, 10, 0.1)


def test_reload_changes_deadline_and_its_answer(lab):
    service = lab.service(gate="Deadline=30s\nOnDeadline=deny")
    equal(service.json("status")["settings"]["deadline_ms"], 30_000, "before")
    container = lab.create()
    lower = next(f for f in lab.images.unpacked(lab.images.app) if f.name == "attack") / "opt" / "late"
    lower.write_bytes(tools.text_tool("late"))
    lower.chmod(0o755)
    lab.defer(lower.unlink, True)
    container.plant("/opt/late", tools.payload())
    for path in (lower, container.upper / "opt" / "late"):
        with open(path, "r+b") as file:
            file.truncate(2 << 30)
    container.start()
    for answer, status in (("allow", 0), ("deny", 126)):
        service.configure(gate=f"Deadline=150ms\nOnDeadline={answer}")
        _reload(service)
        settings = service.json("status")["settings"]
        equal((settings["deadline_ms"], settings["on_deadline"]), (150, answer), "the settings in effect")
        begin = time.monotonic()
        equal(drift.statuses(container, [(":", "/opt/late")]), {"/opt/late": status}, f"exit status with OnDeadline={answer}")
        check(time.monotonic() - begin < 1.5, f"the answer took {time.monotonic() - begin:.1f} s")
    service.configure(gate="Deadline=never")
    equal(service.cli("policy", "reload").status, 2, "exit status for a deadline that is none")
    equal(service.json("status")["settings"]["deadline_ms"], 150, "the deadline in effect after it")


def test_reload_marks_a_new_runtime_and_frees_one_that_is_gone(lab):
    runtime = lab.runtime("crun")
    runtime.require()
    copy = runtime.folder.parent / "reloaded" / "crun"
    copy.parent.mkdir()
    run("cp", run("/bin/sh", "-c", "command -v crun", check=True).out.strip(), copy, check=True)
    inode = f" ino:{copy.stat().st_ino:x} "
    service = lab.service()

    def marked() -> bool:
        return any(inode in line for line in service.fanotify_marks())

    equal(marked(), False, "whether the copy is marked before")
    service.configure(service=f"Runtime={copy}")
    service.signal_reload()
    wait_until("the mark", marked)
    container = lab.create("crun", argv=["/drift/first", "first"])
    container.plant("/drift/first", tools.payload())
    container.plant("/tmp/keep", b"", 0o644)
    runtime.mount(container)
    runtime.configure(container)
    run(copy, "--root", runtime.state, "run", "-b", runtime.folder / container.name / "bundle", container.name)
    check(not container.ran("first"), "drift ran in a container that the new runtime started")
    service.alerts.wait(container, path="/drift/first", reason="added", verdict="deny")
    service.configure()
    _reload(service)
    equal(marked(), False, "whether the copy is marked after it was taken away")


def test_each_reason_has_its_own_key(lab):
    lab.service(policies={"10-all.policy": "[Drift]\nMode=prevent\nAdded=alert\nModified=deny\nMadeExecutable=allow\nRelocated=deny\n"})
    container = lab.run()
    wanted = {step.path: {"added": 0, "modified": 126, "made-executable": 0}[step.reason] for step in drift.STEPS}
    equal(drift.drift(container), wanted, "exit statuses")
    equal(drift.statuses(container, [("cp /usr/local/bin/spare /tmp/copy", "/tmp/copy")]), {"/tmp/copy": 126}, "a copy")


def test_relocated_is_told_where_a_policy_asks_for_it(lab):
    service = lab.service(policies={"10-all.policy": "[Drift]\nMode=prevent\nRelocated=alert\n"})
    container = lab.run()
    found = drift.statuses(container, [(do, path) for path, do in drift.COPIES.items()])
    equal(set(found.values()), {0}, f"exit statuses {found}")
    for path in drift.COPIES:
        service.alerts.wait(container, path=path, reason="relocated", verdict="allow")


def test_policies_fit_by_name_image_and_runtime(lab):
    service = lab.service(drift="Mode=off", policies={
        "10-name.policy": "[Match]\nContainer=*-prevent\n[Drift]\nMode=prevent\n",
        "20-image.policy": "[Match]\nImage=*/hftest-app:2\nRuntime=crun\n[Drift]\nMode=prevent\n"})
    steps = [("cp /bin/busybox /tmp/x; echo x >>/tmp/x", "/tmp/x")]
    name = "podman-crun"
    cases = [(lab.run(name, name="hftest-web-prevent"), 126, "10-name.policy"),
             (lab.run(name, image=lab.images.app2, name="hftest-second"), 126, "20-image.policy"),
             (lab.run(name, name="hftest-third"), 0, "default")]
    for container, status, policy in cases:
        equal(drift.statuses(container, steps), {"/tmp/x": 127 if status == 0 else status}, f"{container.name}")
        check((container.id, container.name, policy) in service.containers("id", "name", "policy"),
              lambda policy=policy: f"not {policy}: {service.containers('name', 'policy')}")


def test_until_ends_an_exception(lab):
    lab.service(policies={"10-all.policy": "[Drift]\nMode=prevent\n[Allow old]\nPath=/tmp/x\nUntil=2001-01-01\n"
                                           "[Allow new]\nPath=/tmp/y\nUntil=2999-01-01\n"})
    container = lab.run()
    found = drift.statuses(container, [(_DROP.format("/tmp/x"), "/tmp/x"), (_DROP.format("/tmp/y"), "/tmp/y")])
    equal(found, {"/tmp/x": 126, "/tmp/y": 0}, "exit statuses")
