"""Overrides of a container's mode: at once, told, ended by themselves or early, and there after a restart and a reload."""

import os
import time
from datetime import datetime

import drift
from harness.env import run, wait_until
from harness.lab import check, equal
from harness.service import CLI

_DROP = [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]
_DENIED, _RUNS = {"/tmp/x": 126}, {"/tmp/x": 0}


def _override(service, container, mode: str, span: str, reason="ticket 4711"):
    result = service.cli("mode", container.id, mode, "--for", span, "--reason", reason)
    equal(result.status, 0, f"mode {mode} --for {span} ({result.out.strip()})")


def _told(service, container) -> list[dict]:
    return [a for a in service.alerts.all() if a["kind"] == "override" and a["container"]["id"] == container.id]


def _wait_told(service, container, number: int) -> dict:
    wait_until(f"{number} alerts of overrides", lambda: len(_told(service, container)) >= number)
    found = _told(service, container)
    equal(len(found), number, f"alerts of overrides: {[a['message'] for a in found]}")
    return found[-1]


def _listed(service, container) -> dict:
    return next(c for c in service.json("containers")["containers"] if c["id"] == container.id)


def _until(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_override_takes_effect_at_once_and_is_told_and_shown(lab):
    service = lab.service()
    container, other = lab.run(), lab.run()
    equal(drift.statuses(container, _DROP), _DENIED, "before")
    _override(service, container, "off", "15m", "ticket 4711\nsecond line")
    equal(drift.statuses(container, _DROP), _RUNS, "off")
    equal(drift.statuses(other, _DROP), _DENIED, "in another container")
    alert = _wait_told(service, container, 1)
    equal((alert["reason"], alert["mode"], alert["policy"]), ("began", "off", "default"), "the alert")
    check("verdict" not in alert and "\n" not in alert["message"], f"the alert: {alert}")
    equal((alert["process"]["uid"], alert["process"]["exe"].endswith("/holdfast")), (os.getuid(), True), "who asked")
    check("set to off instead of prevent" in alert["message"] and "ticket 4711\\x0asecond line" in alert["message"], alert["message"])
    shown = _listed(service, container)
    equal((shown["mode"], shown["policy_mode"], shown["override"]["mode"]), ("off", "prevent", "off"), "containers")
    check(abs(_until(shown["override"]["until"]) - time.time() - 900) < 60, f"its end: {shown['override']}")
    equal(_listed(service, other)["override"], None, "the other container's override")
    for command in (("containers",), ("status",), ("policy", "show", container.id)):
        check("verride" in service.cli(*command).out.replace("OVERRIDE", "override"), f"{command} does not tell of it")
    equal(service.metric("holdfast_overrides"), 1.0, "the metric")
    _override(service, container, "detect", "1h")
    equal(_wait_told(service, container, 2)["reason"], "replaced", "the second alert")
    equal(drift.statuses(container, [("cp /attack/payload-2.bin /tmp/y; chmod 755 /tmp/y", "/tmp/y")]), {"/tmp/y": 0}, "detect")
    service.alerts.wait(container, path="/tmp/y", verdict="allow", mode="detect")
    result = service.cli("mode", container.id, "--end", "--reason", "done")
    equal(result.status, 0, f"mode --end ({result.out.strip()})")
    equal(drift.statuses(container, _DROP), _DENIED, "after it was ended")
    equal(_wait_told(service, container, 3)["reason"], "ended", "the third alert")
    equal(service.metric("holdfast_overrides"), 0.0, "the metric after it")


def test_override_ends_by_itself(lab):
    service = lab.service()
    container = lab.run()
    _override(service, container, "off", "2s")
    equal(drift.statuses(container, _DROP), _RUNS, "during it")
    wait_until("the end", lambda: len(_told(service, container)) == 2)
    equal(drift.statuses(container, _DROP), _DENIED, "after it")
    alert = _told(service, container)[-1]
    equal((alert["reason"], alert["mode"], "process" in alert), ("expired", "prevent", False), "the alert of its end")


def test_override_to_prevent_where_nothing_else_prevents(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    equal(drift.statuses(container, _DROP), _RUNS, "before")
    _override(service, container, "prevent", "15m")
    equal(drift.statuses(container, _DROP), _DENIED, "during it")
    service.kill()
    service.start()
    equal(drift.statuses(container, _DROP), _DENIED, "after the service was killed and started again")
    service.cli("mode", container.id, "--end")
    equal(drift.statuses(container, _DROP), _RUNS, "after its end")


def test_override_survives_restart_reload_and_a_new_start_of_the_container(lab):
    service = lab.service()
    container = lab.run()
    _override(service, container, "off", "15m")
    until = _listed(service, container)["override"]["until"]
    service.policy("10-all.policy", "[Drift]\nMode=detect\n")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    shown = _listed(service, container)
    equal((shown["mode"], shown["policy_mode"], shown["policy"]), ("off", "detect", "10-all.policy"), "after a reload")
    service.policy("10-all.policy", "[Drift]\nMode=prevent\n")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    equal(drift.statuses(container, _DROP), _RUNS, "after a second reload")
    for end in (service.stop, service.kill):
        end()
        service.start()
        equal(drift.statuses(container, _DROP), _RUNS, f"after {end.__name__} and start")
        equal(_listed(service, container)["override"]["until"], until, "its end")
    container.stop()
    container.start()
    equal(drift.statuses(container, _DROP), _RUNS, "after the container was started again")
    fresh = lab.run()
    equal(drift.statuses(fresh, _DROP), _DENIED, "in a container that came later")
    equal([a["reason"] for a in _told(service, container)], ["began"], "what was told")


def test_override_that_ended_while_no_service_ran(lab):
    service = lab.service()
    container = lab.run()
    _override(service, container, "off", "1s")
    end = time.time() + 1
    service.kill()
    wait_until("the wall-clock end", lambda: time.time() >= end + 0.1)
    service.start()
    equal(drift.statuses(container, _DROP), _DENIED, "after the start")
    equal(_wait_told(service, container, 2)["reason"], "expired", "the alert")
    check(not container.ran("x"), "the drifted program ran")


def test_override_is_refused_with_a_reason_and_a_status(lab):
    service = lab.service()
    container = lab.run()
    for arguments, status in ((("nobody", "off", "--for", "15m", "--reason", "x"), 2),
                              ((container.id, "off", "--for", "8d", "--reason", "x"), 2),
                              ((container.id, "off", "--for", "15m"), 2),
                              ((container.id, "--end"), 2)):
        result = service.cli("mode", *arguments)
        equal((result.status, result.out.count("\n")), (status, 1), f"{arguments}: {result.out}")
    setpriv = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    result = run(*setpriv, CLI, "mode", container.id, "off", "--for", "15m", "--reason", "x", "--socket",
                 service.runtime_dir / "control.sock")
    equal(result.status, 4, f"as nobody ({result.out.strip()})")
    equal(drift.statuses(container, _DROP), _DENIED, "after all of them")
    equal(_told(service, container), [], "what was told")
