"""The service is killed, stopped and started again: nothing hangs, and the verdicts stay."""

import threading

import drift
from harness.env import wait_until
from harness.lab import check, equal


def _counts(line: str) -> dict[str, int]:
    return {key: int(value) for key, value in (word.split("=") for word in line.split())}


def test_kill_under_load_hangs_nobody_and_restart_judges_the_same(lab):
    service = lab.service()
    container = lab.run()
    equal(drift.drift(container), {step.path: 126 for step in drift.STEPS}, "exit statuses before")
    wait_until("capture", lambda: service.baseline_of(container)["state"] == "complete", 20)
    stored = service.baseline_of(container)
    results = []

    def load():
        results.append(container.exec("/attack/execloop", 5000, 8, "/usr/local/bin/tool", "/tmp/added",
                                      "/opt/chameleon-0", "/usr/local/bin/hello", timeout=60))

    thread = threading.Thread(target=load)
    thread.start()
    wait_until("load", lambda: service.json("status")["gate"]["events"] > 500, 10)
    service.kill()
    check(container.exec("/usr/local/bin/tool", timeout=10).out == "tool v1\n", "image code does not run without the service")
    service.start()
    thread.join(60)
    check(not thread.is_alive() and results, "the load hangs")
    counts = _counts(results[0].out.strip().splitlines()[-1])
    check(counts["ran"] > 100, f"little ran: {counts}")
    check(counts["slowest"] < 4000, f"an execution hung: {counts}")

    found = drift.statuses(container, [(":", step.path) for step in drift.STEPS] + [(":", path) for path in drift.UNTOUCHED])
    equal(found, {**{step.path: 126 for step in drift.STEPS}, **{path: 0 for path in drift.UNTOUCHED}}, "exit statuses after")
    now = service.baseline_of(container)
    for key in ("id", "captured", "files", "state"):
        equal(now[key], stored[key], f"the stored baseline's {key}")
    return results[0].out.strip().splitlines()[-1]


def test_clean_stop_lets_everything_run_and_the_next_start_judges_again(lab):
    service = lab.service()
    container = lab.run()
    script = [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]
    equal(drift.statuses(container, script), {"/tmp/x": 126}, "with the service")
    service.stop()
    equal(drift.statuses(container, script), {"/tmp/x": 0}, "without it (OnAbsence=allow)")
    service.start()
    equal(drift.statuses(container, script), {"/tmp/x": 126}, "with it again")
    found = service.containers("id", "exposures")
    check(len(found) == 1 and found[0][1], f"the time without mediation is not told: {found}")


def test_restart_while_containers_run_in_a_loop(lab):
    service = lab.service()
    container = lab.run()
    results = []
    thread = threading.Thread(target=lambda: results.append(
        container.exec("/attack/execloop", 4000, 4, "/usr/local/bin/tool", timeout=60)))
    thread.start()
    for _ in range(3):
        service.stop()
        service.start()
    thread.join(60)
    check(not thread.is_alive() and results, "the load hangs")
    counts = _counts(results[0].out.strip().splitlines()[-1])
    equal(counts["denied"] + counts["other"], 0, f"image code that did not run ({counts})")
    check(counts["slowest"] < 4000, f"an execution hung: {counts}")
    return results[0].out.strip()
