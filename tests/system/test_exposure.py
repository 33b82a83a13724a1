"""Programs in memory are refused before they start where that can be, and what cannot be guaranteed is told."""

import os
import signal
import time
from datetime import datetime
from pathlib import Path

from harness.env import Skip, run, wait_until
from harness.lab import check, equal

_SYSCTL = Path("/proc/sys/vm/memfd_noexec")
_SAID = "/attack/memory exec /attack/payload.bin {0}-1 2>/tmp/said; /attack/memory plain /attack/payload.bin {0}-2 2>>/tmp/said; echo end >>/tmp/said"
_REFUSED = "create: Permission denied\nexecute: Permission denied\nend\n"


def _level() -> str:
    if not _SYSCTL.exists():
        raise Skip("this kernel has no vm.memfd_noexec")
    return _SYSCTL.read_text().strip()


def _first(tag: str) -> list[str]:
    """A container whose very first action is the attempt."""
    return ["/bin/sh", "-c", _SAID.format(tag) + "; exec /bin/sleep 1000000"]


def _said(container) -> str:
    file = container.upper / "tmp" / "said"
    wait_until("the attempts' end", lambda: file.exists() and file.read_text().endswith("end\n"))
    return file.read_text()


def _attempt(container, tag: str) -> str:
    container.sh("rm -f /tmp/said; " + _SAID.format(tag))
    return _said(container)


def _listed(service, container) -> dict:
    return next(c for c in service.json("containers")["containers"] if c["id"] == container.id)


def _spans(service, container) -> list[dict]:
    return [s for s in service.json("status")["exposures"] if s["container"]["id"] == container.id]


def _alerts(service, container) -> list[str]:
    return [a["message"] for a in service.alerts.all() if a["kind"] == "exposure" and a.get("container", {}).get("id") == container.id]


def _when(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_prevent_mode_refuses_memory_from_the_first_action_on(lab):
    host = _level()
    service = lab.service()
    container = lab.run(argv=_first("seal"))
    equal(_said(container), _REFUSED, "what the kernel said")
    check(not container.ran("seal-1") and not container.ran("seal-2"), "a program in memory has run")
    equal(_level(), host, "the host's vm.memfd_noexec")
    check(_listed(service, container)["mediated"], f"not mediated: {_listed(service, container)}")
    equal(_spans(service, container), [], "exposures")


def test_detect_mode_changes_nothing_in_the_container(lab):
    host = _level()
    lab.service(drift="Mode=detect")
    container = lab.run(argv=_first("free"))
    equal(_said(container), "end\n", "what the kernel said")
    check(container.ran("free-1") and container.ran("free-2"), "a program in memory has not run in detect mode")
    equal(_level(), host, "the host's vm.memfd_noexec")


def test_a_changed_policy_seals_and_unseals_a_running_container(lab):
    _level()
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    equal(_attempt(container, "before"), "end\n", "in detect mode")
    service.configure("Mode=prevent")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    equal(_attempt(container, "sealed"), _REFUSED, "in prevent mode")
    service.configure("Mode=detect")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    equal(_attempt(container, "after"), "end\n", "in detect mode again")
    check(container.ran("after-1"), "a program in memory does not run any more")


def test_a_service_that_was_killed_leaves_nothing_for_ever(lab):
    _level()
    service = lab.service()
    container = lab.run()
    service.kill()
    service.start()
    equal(_attempt(container, "killed"), _REFUSED, "in prevent mode, the service restarted")
    service.configure("Mode=detect")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    equal(_attempt(container, "detect"), "end\n", "in detect mode")
    service.configure("Mode=prevent")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    service.stop()
    equal(_attempt(container, "stopped"), "end\n", "without a service")


def test_a_container_started_again_on_the_same_root_is_sealed_again(lab):
    _level()
    lab.service()
    container = lab.run()
    equal(_attempt(container, "once"), _REFUSED, "the first time")
    runtime = container.runtime
    run(runtime.program, "--root", runtime.state, "delete", "-f", container.name, check=True)
    equal(runtime.launch(container, "-d").status, 0, "the second start")
    equal(_attempt(container, "twice"), _REFUSED, "the second time")


def test_the_hosts_pid_namespace_is_never_touched_and_told(lab):
    host = _level()
    service = lab.service()
    container = lab.create()
    container.pid_namespace = "host"
    equal(container.start().status, 0, "start")
    listed = wait_until("its exposure", lambda: _listed(service, container)["exposures"] and _listed(service, container))
    check(not listed["mediated"], f"mediated in the host's PID namespace: {listed}")
    spans = _spans(service, container)
    check(len(spans) == 1 and "until" not in spans[0] and "host's PID namespace" in spans[0]["why"], f"spans: {spans}")
    wait_until("its alert", lambda: _alerts(service, container))
    equal(len(_alerts(service, container)), 1, "alerts")
    check("no" in next(line for line in service.cli("containers").out.splitlines() if container.id[:12] in line).split()[-1:], "the table")
    equal(_level(), host, "the host's vm.memfd_noexec")
    service.configure("Mode=detect")
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    check(_listed(service, container)["mediated"], "nothing is promised of memory in detect mode, so nothing is missing")


def test_a_shared_pid_namespace_is_sealed_only_if_all_want_it(lab):
    _level()
    service = lab.service(drift="Mode=prevent", policies={"50-other.policy": "[Match]\nContainer=*-other\n[Drift]\nMode=detect\n"})
    first = lab.run()
    equal(_attempt(first, "alone"), _REFUSED, "alone")
    second = lab.create(name="hftest-other")
    second.pid_namespace = f"/proc/{first.runtime.pid(first)}/ns/pid"
    equal(second.start().status, 0, "start in the first one's PID namespace")
    equal(_attempt(second, "other"), "end\n", "in the container in detect mode")
    why = _spans(service, first)
    check(len(why) == 1 and "shares its PID namespace" in why[0]["why"], f"spans: {why}")
    os.kill(second.runtime.pid(second), signal.SIGKILL)  # crun kills by the PID namespace, which is not its own
    second.remove()
    wait_until("the other one's end", lambda: second.id not in [c["id"] for c in service.json("containers")["containers"]])
    check(_listed(service, first)["mediated"], lambda: f"not sealed again: {_spans(service, first)}")
    equal(_attempt(first, "again"), _REFUSED, "alone again")


def test_the_time_without_a_service_is_told_from_the_last_heartbeat_on(lab):
    service = lab.service()
    container = lab.run()
    started = time.time()
    time.sleep(3)  # the container's start must not be taken for the heartbeat
    service.stop()
    stopped = time.time()
    service.start()
    spans = _spans(service, container)
    equal([s["why"] for s in spans], ["the service did not run"], "why, after a clean stop")
    check(stopped - 2 <= _when(spans[0]["from"]) <= stopped, f"from {spans[0]['from']}, stopped {stopped}")
    check(_when(spans[0]["from"]) > started + 1, "the span begins with the container")
    service.kill()
    killed = time.time()
    late = lab.run()
    service.start()
    spans = _spans(service, container)
    equal([s["why"] for s in spans], ["the service did not run"], "why, after SIGKILL")
    check(killed - 12 <= _when(spans[0]["from"]) <= killed <= _when(spans[0]["until"]) <= time.time(), f"span: {spans}")
    check(_listed(service, container)["mediated"], "it is mediated again")
    equal([s["why"] for s in _spans(service, late)], ["started before the service"], "of one that started meanwhile")
    check(_when(_spans(service, late)[0]["from"]) >= killed - 0.1, "the span of one that started meanwhile")
    fresh = lab.run()
    listed = _listed(service, fresh)
    check(listed["mediated"] and not listed["exposures"], f"a new container: {listed}")
    equal(len([m for m in _alerts(service, container) if "the service did not run" in m]), 2, "alerts")


def test_a_container_that_cannot_be_protected_is_listed_while_it_runs(lab):
    container = lab.run("crun-plain")
    service = lab.service()
    listed = _listed(service, container)
    check(not listed["mediated"] and listed["root"] == "unsupported", f"listed: {listed}")
    spans = _spans(service, container)
    check(len(spans) == 1 and "until" not in spans[0] and "no layers" in spans[0]["why"], f"spans: {spans}")
    equal(service.json("status")["containers"]["unprotected"], 1, "containers that are not protected")
    told = [a["message"] for a in service.alerts.all() if a["kind"] == "exposure"]
    equal(len([m for m in told if container.id in m]), 1, f"alerts of it among {told}")
    container.stop()
    wait_until("the end of it", lambda: container.id not in [c["id"] for c in service.json("containers")["containers"]], 10)
