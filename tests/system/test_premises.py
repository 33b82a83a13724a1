"""What the other tests stand on: nothing but the service stops the drift. Without it every step and attack program runs."""

import drift
import races
from harness import tools
from harness.lab import check, equal


def test_drift_runs_in_every_runtime_when_nothing_guards(lab, runtime):
    container = lab.create(runtime, argv=["/drift/first", "first"])
    container.plant("/drift/first", tools.payload())
    container.plant("/tmp/keep", b"", 0o644)
    container.start()
    container = lab.run(runtime)
    equal(drift.drift(container), {step.path: step.status for step in drift.STEPS}, "exit statuses")
    found = drift.statuses(container, [(do, path) for path, do in {**drift.TOUCHED, **drift.COPIES}.items()])
    equal(set(found.values()), {0}, f"exit statuses {found}")
    check(container.ran("added") and container.ran("data.bin") and container.ran("chameleon-0"), "a marker is missing")


def test_races_are_won_when_nothing_guards(lab):
    container = lab.run()
    outcomes = {}
    for mode in races.MODES:
        for _ in range(5):
            outcomes[mode] = races.race(container, mode, 700)
            if outcomes[mode].evil > 0:
                break
    for name, arguments in {"copy-up": ("even",), "copy-up by truncate": ("odd", "--truncate")}.items():
        for _ in range(10):  # a narrow window: a container has its untouched files once
            outcomes[name] = races.copy_up(lab.run(), *arguments)
            if outcomes[name].evil > 0:
                break
    for mode, outcome in outcomes.items():
        check(outcome.evil > 0, f"{mode} never ran changed bytes, so it proves nothing: {outcome}")
    return "; ".join(f"{mode}: {outcome}" for mode, outcome in outcomes.items())
