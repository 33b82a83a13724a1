"""What is executed beyond the container's root: shared memory, tmpfs, volumes, and mounts made inside."""

import hashlib

import drift
from harness import tools
from harness.env import WORK
from harness.lab import check, equal

_DROP = "cp /attack/payload.bin {0} && chmod 755 {0}"


def _bind(source, destination, *options):
    return {"type": "bind", "source": str(source), "destination": destination, "options": ["rbind", *options]}


def _tmpfs(destination):
    return {"type": "tmpfs", "source": "tmpfs", "destination": destination, "options": ["nosuid"]}


def _volume(name):
    folder = WORK / "volumes" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _start(lab, mounts, capabilities=(), runtime="crun"):
    container = lab.create(runtime)
    container.mounts += mounts
    container.capabilities += capabilities
    equal(container.start().status, 0, "start")
    return container


def test_the_dev_of_each_runtime_is_the_containers_own(lab, runtime):
    """/dev is a tmpfs with every runtime. Podman's refuses executions by itself (noexec), before anybody is asked."""
    service = lab.service(drift="Mode=prevent")
    container = lab.run(runtime)
    found = drift.statuses(container, [(_DROP.format("/dev/evil"), "/dev/evil")])
    equal(found, {"/dev/evil": 126}, "exit statuses")
    options = container.sh("grep ' /dev tmpfs ' /proc/mounts").out
    if "noexec" in options:
        service.alerts.expect_none(container)
        return
    alert, = service.alerts.wait(container, path="/dev/evil", verdict="deny", reason="added")
    equal(alert["file"]["layer"], "tmpfs", "layer")


def test_a_tmpfs_from_the_runtime_is_denied_and_told(lab):
    for mode, status, verdict in (("prevent", 126, "deny"), ("detect", 0, "allow")):
        with lab.scope():
            service = lab.service(drift=f"Mode={mode}")
            container = _start(lab, [_tmpfs("/run/own")])
            found = drift.statuses(container, [(_DROP.format("/run/own/evil"), "/run/own/evil")])
            equal(found, {"/run/own/evil": status}, f"exit status in {mode} mode")
            service.alerts.wait(container, path="/run/own/evil", verdict=verdict, reason="added")


def test_volumes_are_told_by_default_and_denied_by_policy(lab):
    source = _volume("by-policy")
    service = lab.service(policies={"10-all.policy": f"""[Drift]
Mode=prevent
[Volume denied]
Path=/denied
Verdict=deny
[Volume by-source]
Source={source}/second
Verdict=deny
"""})
    (source / "second").mkdir(exist_ok=True)
    container = _start(lab, [_bind(source, "/data"), _bind(source, "/denied"), _bind(source / "second", "/other")])
    found = drift.statuses(container, [(_DROP.format("/data/evil"), "/data/evil"), (":", "/denied/evil"),
                                       (_DROP.format("/other/evil"), "/other/evil")])
    equal(found, {"/data/evil": 0, "/denied/evil": 126, "/other/evil": 126}, "exit statuses")
    alert, = service.alerts.wait(container, path="/data/evil", verdict="allow", reason="volume")
    equal(alert["file"]["layer"], "volume", "layer")
    service.alerts.wait(container, path="/denied/evil", verdict="deny", reason="volume")
    service.alerts.wait(container, path="/other/evil", verdict="deny", reason="volume")
    shown = service.cli("policy", "show", container.id)
    check("by-source" in shown.out, f"policy show: {shown}")


def test_a_volume_that_cannot_be_written_is_silent_unless_it_can_elsewhere(lab):
    source, both = _volume("read-only"), _volume("both")
    for folder in (source, both):
        (folder / "program").write_bytes(tools.payload())
        (folder / "program").chmod(0o755)
    service = lab.service(drift="Mode=prevent")
    container = _start(lab, [_bind(source, "/shipped", "ro"), _bind(both, "/both-ro", "ro"), _bind(both, "/both-rw")])
    found = drift.statuses(container, [(":", "/shipped/program"), (":", "/both-ro/program")])
    equal(found, {"/shipped/program": 0, "/both-ro/program": 0}, "exit statuses")
    service.alerts.wait(container, path="/both-ro/program", verdict="allow", reason="volume")
    equal(service.alerts.drift(container, path="/shipped/program"), [], "alerts of a volume that cannot be written")


def test_a_program_excepted_by_hash_runs_from_a_volume_and_a_changed_one_does_not(lab):
    digest = hashlib.sha256(tools.payload()).hexdigest()
    service = lab.service(policies={"10-all.policy": f"[Drift]\nMode=prevent\nVolume=deny\n[Allow known]\nSha256={digest}\n"})
    container = _start(lab, [_bind(_volume("by-hash"), "/data")])
    found = drift.statuses(container, [(_DROP.format("/data/known"), "/data/known"),
                                       ("cp /data/known /data/changed; echo >>/data/changed", "/data/changed")])
    equal(found, {"/data/known": 0, "/data/changed": 126}, "exit statuses")
    service.alerts.wait(container, path="/data/changed", verdict="deny", reason="volume")


def test_a_volume_mounted_over_an_excepted_path_gains_nothing(lab):
    service = lab.service(policies={"10-all.policy": "[Drift]\nMode=prevent\nVolume=deny\n[Allow plugins]\nPath=/opt/plugins/*\n"})
    container = _start(lab, [_bind(_volume("deception"), "/data")], ["CAP_SYS_ADMIN"])
    found = drift.statuses(container, [
        (_DROP.format("/data/evil") + " && mkdir -p /opt/plugins && mount --bind /data /opt/plugins && sleep 1", "/opt/plugins/evil")])
    equal(found, {"/opt/plugins/evil": 126}, "exit statuses")
    service.alerts.wait(container, verdict="deny", reason="volume")


def test_a_tmpfs_mounted_inside_is_marked_soon(lab):
    service = lab.service(drift="Mode=prevent")
    container = _start(lab, [], ["CAP_SYS_ADMIN"])
    found = drift.statuses(container, [
        ("mkdir -p /mnt/t && mount -t tmpfs t /mnt/t && " + _DROP.format("/mnt/t/evil") + " && sleep 1", "/mnt/t/evil")])
    equal(found, {"/mnt/t/evil": 126}, "exit statuses")
    service.alerts.wait(container, path="/mnt/t/evil", verdict="deny", reason="added")


def test_volumes_follow_a_change_of_mode(lab):
    service = lab.service(policies={"10-all.policy": "[Drift]\nMode=detect\n"})
    container = _start(lab, [_tmpfs("/run/own")])
    equal(drift.statuses(container, [(_DROP.format("/run/own/one"), "/run/own/one")]), {"/run/own/one": 0}, "in detect mode")
    service.policy("10-all.policy", "[Drift]\nMode=prevent\n")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    equal(drift.statuses(container, [(_DROP.format("/run/own/two"), "/run/own/two")]), {"/run/own/two": 126}, "in prevent mode")
    service.alerts.wait(container, path="/run/own/two", verdict="deny")


def test_explain_tells_where_a_file_lies(lab):
    service = lab.service(drift="Mode=prevent")
    container = _start(lab, [_bind(_volume("explained"), "/data")])
    container.sh(_DROP.format("/data/evil"))
    result = service.cli("explain", container.id, "/data/evil")
    check("volume" in result.out and "/data" in result.out, f"explain: {result}")
