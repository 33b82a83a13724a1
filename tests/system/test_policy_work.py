"""Policy work without risk: exceptions suggested from alerts, tried on them, and put into force; reloads all or nothing."""

import drift
from harness.env import wait_until
from harness.lab import check, equal

_PREVENT = "[Drift]\nMode=prevent\n"
_PLACES = ["/tmp/one", "/opt/glob[x]*", "/usr/local/bin/hello"]


def _drop(path: str, payload: str) -> str:
    return f"cp /attack/{payload} '{path}'; chmod 755 '{path}'"


def _statuses(container, payload: str) -> list[int]:
    """Of the program at each place, which has the payload's bytes."""
    return [container.sh(f"{_drop(path, payload)}; '{path}' >/dev/null 2>&1; exit $?").status for path in _PLACES]


def _reload_told(service) -> list[str]:
    return [a["message"] for a in service.alerts.all() if a["kind"] == "service" and a["reason"] == "reload"]


def test_what_is_suggested_lets_pass_exactly_what_was_alerted(lab):
    service = lab.service(policies={"50-all.policy": _PREVENT})
    container, other = lab.run(), lab.run()
    equal(_statuses(container, "payload.bin"), [126, 126, 126], "before")
    for path in _PLACES:
        service.alerts.wait(container, path=path)
    other.sh(_drop("/tmp/other", "payload.bin") + "; /tmp/other")
    service.alerts.wait(other, path="/tmp/other")

    suggested = service.cli("policy", "suggest", container.id, "--alerts", service.alerts.path)
    equal((suggested.status, suggested.out.count("\n[Allow ")), (0, 3), f"policy suggest: {suggested.out}")
    proposed = service.folder / "50-all.policy"
    proposed.write_text(_PREVENT + suggested.out)
    equal(service.cli("policy", "check", proposed).status, 0, "policy check")
    replay = ("policy", "replay", "--alerts", service.alerts.path, proposed)
    totals = service.json(*replay)["totals"]
    equal({key: totals[key] for key in ("attempts", "run", "alert", "deny", "unknown")},
          {"attempts": 4, "run": 3, "alert": 0, "deny": 1, "unknown": 0}, "policy replay")
    equal(service.cli(*replay).status, 1, "the status while one would be denied")
    equal(_statuses(container, "payload.bin"), [126, 126, 126], "nothing is applied by itself")

    service.policy("50-all.policy", _PREVENT + suggested.out)
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    equal(_statuses(container, "payload.bin"), [0, 0, 0], "with the exceptions")
    equal(_statuses(container, "payload-2.bin"), [126, 126, 126], "other bytes at the same places")
    found = drift.statuses(container, [(_drop("/tmp/two", "payload.bin"), "/tmp/two"), (_drop("/opt/globx", "payload.bin"), "/opt/globx")])
    equal(set(found.values()), {126}, "the same bytes elsewhere")


def test_a_bad_policy_among_good_ones_keeps_all_old_and_says_so(lab):
    service = lab.service(drift="Mode=off")
    container = lab.run()
    steps = [(_drop("/tmp/x", "payload.bin"), "/tmp/x")]
    service.policy("10-good.policy", _PREVENT)
    service.policy("20-bad.policy", "[Drift]\nMode=prevent\n[Allow x]\nPth=/x\n")
    service.policy("30-good.policy", _PREVENT)
    for number, reload in enumerate((lambda: service.cli("policy", "reload"), service.signal_reload), 1):
        result = reload()
        if result:
            equal(result.status, 2, f"policy reload: {result.out}")
            check("20-bad.policy:4: [Allow x] Pth" in result.out and result.out.count("\n") == 1, result.out)
        wait_until("the alert", lambda number=number: len(_reload_told(service)) >= number)
        equal(len(_reload_told(service)), number, f"alerts: {_reload_told(service)}")
        check("kept the old" in _reload_told(service)[-1] and "20-bad.policy:4" in _reload_told(service)[-1], _reload_told(service))
        check(service.log.read_text().count("kept the old configuration") == number, "the log does not tell")
        equal(drift.statuses(container, steps), {"/tmp/x": 0}, "the container's mode")
        equal([p["name"] for p in service.json("policy", "list")["policies"]], ["default"], "policies in effect")
    service.policy("20-bad.policy", None)
    equal(service.cli("policy", "reload").status, 0, "policy reload")
    equal(drift.statuses(container, steps), {"/tmp/x": 126}, "once it is gone")


def test_modes_of_a_running_container_change_with_its_next_execution(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    steps = [(_drop("/tmp/x", "payload.bin"), "/tmp/x")]
    for mode, status in (("prevent", 126), ("off", 0), ("prevent", 126), ("detect", 0), ("prevent", 126)):
        service.policy("10-all.policy", f"[Drift]\nMode={mode}\n")
        equal(service.cli("policy", "reload").status, 0, "policy reload")
        equal(drift.statuses(container, steps), {"/tmp/x": status}, f"in mode {mode}")


def test_explain_names_the_rule_the_override_and_what_other_modes_would_do(lab):
    service = lab.service(policies={"50-all.policy": _PREVENT + "[Allow old]\nPath=/tmp/old\nUntil=2001-01-01\n"
                                                     "[Allow known]\nPath=/tmp/known\nReason=ticket 4711\n"
                                                     "[Deny tool]\nPath=/usr/local/bin/tool\n"})
    container = lab.run()
    container.sh("; ".join(_drop(path, "payload.bin") for path in ("/tmp/old", "/tmp/known")))
    cases = [("/tmp/old", "deny", "[Allow old] would let it run, but ended on 2001-01-01", {"off": "allow", "detect": "alert", "prevent": "deny"}),
             ("/tmp/known", "allow", "[Allow known] lets it run: ticket 4711", {"off": "allow", "detect": "allow", "prevent": "allow"}),
             ("/usr/local/bin/tool", "deny", "[Deny tool] prohibits it", {"off": "allow", "detect": "alert", "prevent": "deny"})]
    for path, verdict, step, modes in cases:
        said = service.json("explain", container.id, path)
        equal((said["decision"]["verdict"], said["modes"]), (verdict, modes), f"explain {path}")
        check(any(step in one for one in said["steps"]), lambda said=said: f"steps {said['steps']}")
        check(service.json("explain", container.id, path)["file"]["sha256"], f"explain {path}: no hash")
    equal(service.cli("mode", container.id, "detect", "--for", "5m", "--reason", "ticket 4712").status, 0, "mode")
    text = service.cli("explain", container.id, "/tmp/old")
    check(text.status == 1 and "instead of prevent: an override (ticket 4712)" in text.out, text.out)
    check("mode detect stops nothing" in text.out and "prevent: denied" in text.out, text.out)
