"""Copies of what was denied."""

import os
import signal

import drift
from harness import tools
from harness.lab import check, equal

_DROP = "cp /attack/payload.bin {0}; chmod 755 {0}"


def test_a_copy_is_kept_of_what_was_denied(lab):
    service = lab.service(drift="Mode=prevent\nEvidence=1M")
    container = lab.run()
    found = drift.statuses(container, [
        (_DROP.format("/tmp/evil"), "/tmp/evil"), (_DROP.format("/opt/again"), "/opt/again"),
        (_DROP.format("/tmp/sparse") + "; truncate -s 64G /tmp/sparse", "/tmp/sparse"),
        (_DROP.format("/tmp/linked") + "; ln -s /etc/passwd /tmp/link; mv /tmp/link /tmp/l; :", "/tmp/linked")])
    equal(set(found.values()), {126}, f"exit statuses {found}")
    kept = [service.alerts.wait(container, path=path)[0]["file"] for path in ("/tmp/evil", "/opt/again", "/tmp/linked")]
    folder = service.state / "evidence"
    for file in kept:
        equal(file["evidence"], str(folder / file["sha256"]), "the copy's path")
    copy = folder / kept[0]["sha256"]
    equal(copy.read_bytes(), tools.payload(), "the copy")
    equal((oct(copy.stat().st_mode), oct(folder.stat().st_mode)), ("0o100400", "0o40700"), "modes")
    check("evidence" not in service.alerts.wait(container, path="/tmp/sparse")[0]["file"], "a copy of 64 GiB of nothing")
    equal(sorted(os.listdir(folder)), sorted({file["sha256"] for file in kept}), "what is in the directory")


def test_no_copy_is_kept_where_nothing_was_denied_or_nobody_asked(lab):
    service = lab.service(drift="Mode=prevent", policies={
        "10-all.policy": "[Match]\nContainer=*crun*\n[Drift]\nMode=prevent\nAdded=alert\nEvidence=1M\n"})
    container = lab.run()
    equal(drift.statuses(container, [(_DROP.format("/tmp/x"), "/tmp/x")]), {"/tmp/x": 0}, "exit status")
    check("evidence" not in service.alerts.wait(container, path="/tmp/x")[0]["file"], "a copy of what was allowed")
    equal(os.listdir(service.state / "evidence"), [], "what is in the directory")


def test_a_copy_is_kept_of_a_program_in_memory_that_was_killed(lab):
    service = lab.service(drift="Mode=prevent\nFileless=deny\nEvidence=1M")
    container = lab.create()
    container.pid_namespace = "host"  # never sealed: the kernel does not refuse it
    container.start()
    lab.defer(os.kill, container.runtime.pid(container), signal.SIGKILL)  # crun kills by the PID namespace
    container.exec("/attack/memory", "plain", "/attack/linger.bin", "x")
    file = service.alerts.wait(container, reason="fileless", verdict="killed")[0]["file"]
    equal((service.state / "evidence" / file["sha256"]).read_bytes(), tools.lingering_payload(), "the copy")
