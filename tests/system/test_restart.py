"""The service is killed, crashes and is upgraded under a supervisor that keeps its descriptors: no execution is lost, none
passes unjudged, and none waits longer than the next service needs."""

import os
import threading
import time
from pathlib import Path

import drift
from harness import tools
from harness.env import STAGE, on_host, run, spawn, stop_process, wait_until
from harness.lab import check, equal
from harness.supervisor import KeptService

_KILLS = 100
RELEASE = STAGE / "usr/libexec/holdfast-release"


def _kept(lab, **options) -> KeptService:
    _kept.count = getattr(_kept, "count", 0) + 1
    service = KeptService(f"kept{_kept.count}", **options)
    lab.defer(service.close)
    return service.start()


def _counts(line: str) -> dict[str, int]:
    return {key: int(value) for key, value in (word.split("=") for word in line.split())}


class _Load:
    """Executions in a container until `end`: what ran, what was denied."""

    def __init__(self, container, *programs, processes=4, seconds=600):
        self._container, self._result = container, []
        container.sh("rm -f /tmp/stop")
        self._thread = threading.Thread(target=lambda: self._result.append(container.exec(
            "/attack/execloop", seconds * 1000, processes, *programs, timeout=seconds + 20)))
        self._thread.start()

    def end(self) -> dict[str, int]:
        self._container.sh("touch /tmp/stop")
        self._thread.join(60)
        check(not self._thread.is_alive() and self._result, "the load hangs")
        return _counts(self._result[0].out.strip().splitlines()[-1])


def test_hundred_kills_under_load_hang_nobody_run_no_drift_and_deny_image_code_seldom_and_never_untold(lab):
    service = _kept(lab)
    container = lab.run()
    container.sh("cp /attack/payload.bin /tmp/added; chmod 755 /tmp/added")
    wait_until("capture", lambda: service.baseline_of(container)["state"] == "complete", 20)
    image = _Load(container, "/usr/local/bin/tool", "/usr/local/bin/hello", "/usr/local/bin/dynamic")
    drifted = _Load(container, "/tmp/added", processes=1)
    longest = 0.0
    for i in range(_KILLS):
        time.sleep(0.02 + (i % 7) * 0.013)  # not in step with anything
        begin = time.monotonic()
        service.kill()
        service.start()
        longest = max(longest, time.monotonic() - begin)
    ran, denied = image.end(), drifted.end()
    # What a dead service had not even taken from the kernel's hands may be past finding: refused then, and told each time.
    told = [a["message"] for a in service.alerts.all() if "nothing proves what it is" in a.get("message", "")]
    check(ran["denied"] + ran["other"] <= len(told), f"image code that did not run, untold ({ran}, told {told[-5:]})")
    check(ran["denied"] + ran["other"] <= _KILLS // 10, f"image code that did not run ({ran}, told {told[-5:]})")
    equal(denied["ran"], 0, f"executions of drift ({denied})")
    check(ran["ran"] > _KILLS and denied["denied"] > _KILLS, f"little was executed: {ran} {denied}")
    check(max(ran["slowest"], denied["slowest"]) < 4000, f"an execution hung: {ran} {denied}")
    equal(container.ran("added"), False, "drift ran")
    return (f"{_KILLS} kills: image code {ran}, drift {denied}; from a kill to the next service's readiness "
            f"{longest * 1000:.0f} ms at most")


def test_upgrade_under_load_is_judged_by_one_or_the_other_and_tells_only_what_was_exposed(lab):
    service = _kept(lab)
    container = lab.run()
    container.sh("cp /attack/payload.bin /tmp/added; chmod 755 /tmp/added")
    image, drifted = _Load(container, "/usr/local/bin/tool", "/usr/local/bin/dynamic"), _Load(container, "/tmp/added", processes=1)
    for _ in range(5):
        service.restart()
    ran, denied = image.end(), drifted.end()
    equal(ran["denied"] + ran["other"], 0, f"image code that did not run ({ran})")
    equal(denied["ran"], 0, f"executions of drift ({denied})")
    found = [c for c in service.containers() if c["id"] == container.id][0]
    equal([e["why"] for e in found["exposures"]], ["what the gate is not asked for was not looked at"], "exposures")
    equal(found["mediated"], True, "mediated")
    return f"5 restarts: image code {ran}, drift {denied}"


def test_kill_in_the_middle_of_a_slow_verdict_is_judged_by_the_next(lab):
    """The file is compared with the image's, which takes a while; the next service begins anew."""
    service = _kept(lab, gate="Deadline=10s\nOnDeadline=allow")
    container = lab.create()
    lower = next(f for f in lab.images.unpacked(lab.images.app) if f.name == "attack") / "opt" / "slow"
    lower.write_bytes(tools.text_tool("slow"))
    lower.chmod(0o755)
    with open(lower, "r+b") as file:
        file.truncate(600 << 20)
    lab.defer(lower.unlink, True)
    container.plant("/opt/slow", tools.payload("slow"))
    with open(container.upper / "opt" / "slow", "r+b") as file:
        file.truncate(600 << 20)
    container.start()
    results = []
    thread = threading.Thread(target=lambda: results.append(drift.statuses(container, [(":", "/opt/slow")])))
    thread.start()
    wait_until("the slow verdict", lambda: service.json("status")["gate"]["pending"] > 0, 10)
    service.kill()
    service.start()
    thread.join(30)
    equal(results, [{"/opt/slow": 126}], "exit status of drift that waited through a kill")
    equal(container.ran("slow"), False, "drift ran")
    told = wait_until("its alert", lambda: [a for a in service.alerts.all() if a.get("file", {}).get("path") == "/opt/slow"])
    equal((told[0]["verdict"], told[0]["reason"]), ("deny", "modified"), "the verdict of the one that came after")


def test_container_that_starts_while_no_service_is_there_starts_and_is_protected_from_its_first_execution(lab):
    service = _kept(lab)
    first = lab.create()
    first.plant("/bin/planted", tools.payload("planted"))
    first.argv = ["/bin/planted"]
    other = lab.create()
    service.kill()
    results = []
    threads = [threading.Thread(target=lambda c=c: results.append((c, c.start()))) for c in (first, other)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    check(not results, f"a container was started without the barrier: {results}")
    service.start()
    for thread in threads:
        thread.join(30)
    status = dict(results)
    service.alerts.wait(first, path="/bin/planted", verdict="deny", reason="added")
    check(not first.ran("planted"), f"drift as first program: {status[first]}")
    equal(status[other].status, 0, f"start of a container ({status[other]})")
    equal(other.exec("/usr/local/bin/tool").out, "tool v1\n", "image code")
    equal(drift.statuses(other, [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]), {"/tmp/x": 126}, "drift")


def test_barrier_that_was_in_hand_is_passed_again(lab):
    """The snapshot of a large plain directory is taken behind the barrier: long enough to be killed in."""
    service = _kept(lab)
    container = lab.create("crun-plain")
    (container.upper / "opt" / "large").write_bytes(b"\x7fELF" + bytes(1 << 20))
    (container.upper / "opt" / "large").chmod(0o755)
    with open(container.upper / "opt" / "large", "r+b") as file:
        file.truncate(700 << 20)
    results = []
    thread = threading.Thread(target=lambda: results.append(container.start()))
    thread.start()
    wait_until("the barrier", lambda: service.json("status")["gate"]["pending"] > 0, 10)
    service.kill()
    service.start()
    thread.join(40)
    check(results and results[0].status == 0, f"the container does not start: {results}")
    equal(container.exec("/usr/local/bin/tool").out, "tool v1\n", "image code")
    equal(drift.statuses(container, [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]), {"/tmp/x": 126}, "drift")


def test_runtime_that_waited_for_the_service_passes_the_barrier(lab):
    """What was executed while no service was there is read before anything else: the runtimes must be known by then."""
    def barriers() -> int:
        return service.json("status")["gate"]["barriers"]

    service = _kept(lab)
    lab.create("crun")
    begin = barriers()
    equal(run("crun", "--version").status, 0, "the runtime")
    usual = barriers() - begin
    check(usual > 0, "the runtime passes no barrier")
    for _ in range(10):
        service.kill()
        results = []
        thread = threading.Thread(target=lambda results=results: results.append(run("crun", "--version").status))
        thread.start()
        time.sleep(0.05)
        check(not results, "the runtime was executed without a service")
        service.start()
        thread.join(20)
        equal(results, [0], "the runtime")
        equal(barriers(), usual, "barriers passed by a runtime that waited for the service")


def test_stop_lets_everybody_go_and_leaves_nothing(lab):
    service = _kept(lab)
    container = lab.run()
    equal(sorted(service.kept), ["holdfast-events", "holdfast-group"], "what is kept")
    service.stop()
    equal(container.exec("/usr/local/bin/tool", timeout=5).out, "tool v1\n", "image code without a service")


def test_descriptors_that_are_not_the_service_s_are_refused_and_told(lab):
    service = _kept(lab)
    container = lab.run()
    # Its first program is in nobody's hand any more: what is, is answered by configuration.
    wait_until("its first program", lambda: "crun" not in container.sh("cat /proc/1/comm").out)
    wait_until("nothing in hand", lambda: service.json("status")["gate"]["pending"] == 0)
    service.kill()
    stranger = os.open("/dev/null", os.O_RDWR)
    service.kept["holdfast-events"], stranger = stranger, service.kept["holdfast-events"]
    os.close(stranger)
    results = []
    thread = threading.Thread(target=lambda: results.append(container.exec("/usr/local/bin/tool").out))
    thread.start()
    service.start()
    thread.join(20)
    equal(results, ["tool v1\n"], "image code that waited for the service")
    told = [a["message"] for a in service.alerts.all() if a["kind"] == "service" and a["reason"] == "restart"]
    check(told and "cannot be used" in told[0], f"what was told: {told}")
    equal(drift.statuses(container, [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]), {"/tmp/x": 126}, "drift")


def test_watchdog_is_fed_by_a_gate_that_works(lab):
    service = _kept(lab, watchdog=0.6)
    container = lab.run()
    fed = service.fed
    wait_until("food", lambda: service.fed > fed + 3, 5)
    # What the gate is busy with does not matter, as long as it answers.
    load = _Load(container, "/usr/local/bin/tool")
    fed = service.fed
    wait_until("food under load", lambda: service.fed > fed + 3, 5)
    load.end()
    service.signal_reload()
    wait_until("the reload", lambda: service.states[-2:] == ["RELOADING", "READY"], 5)


def test_containers_are_let_go_when_no_service_comes_back_or_held_as_configured(lab):
    for absence in ("allow", "hold"):
        with lab.scope():
            service = KeptService(f"absence-{absence}", gate="Deadline=5s\nOnDeadline=deny\nOnAbsence=allow")
            lab.defer(service.close)
            folder = Path(f"{service.runtime_dir}-release")
            folder.mkdir(exist_ok=True)
            argv, options = on_host(RELEASE, "--runtime-dir", service.runtime_dir)
            helper = spawn(*argv, log=service.folder / "release.log", **options)
            lab.defer(stop_process, helper)
            wait_until("the helper", lambda: (folder / "socket").exists())
            service.start()
            container = lab.run()
            service.kill()
            if absence == "hold":  # what the service before had entrusted is taken back
                service.configure(gate="Deadline=5s\nOnDeadline=deny\nOnAbsence=hold")
                service.start()
                service.kill()
            begin = time.monotonic()
            results = []
            thread = threading.Thread(target=lambda: results.append((
                container.exec("/usr/local/bin/tool", timeout=60).out, time.monotonic() - begin)))
            thread.start()
            thread.join(13)
            if absence == "allow":
                equal([out for out, _ in results], ["tool v1\n"], "image code when no service comes back")
                check(results[0][1] > 9, f"let go after {results[0][1]:.1f} s")
                check("were allowed" in (service.folder / "release.log").read_text(), "nobody is told")
            else:
                equal(results, [], "executions while they are held")
            service.start()
            thread.join(20)
            equal([out for out, _ in results], ["tool v1\n"], "image code in the end")
            equal(drift.statuses(container, [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]),
                  {"/tmp/x": 126}, "drift under the next service")
