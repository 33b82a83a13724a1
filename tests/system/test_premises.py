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
    outcomes = {mode: _until_won(5, lambda: races.race(container, mode, 700)) for mode in races.MODES}
    for name, arguments in {"copy-up": ("even",), "copy-up by truncate": ("odd", "--truncate")}.items():
        # A narrow window: a container has its untouched files once.
        outcomes[name] = _until_won(10, lambda: races.copy_up(lab.run(), *arguments))
    for mode, outcome in outcomes.items():
        check(outcome.evil > 0, f"{mode} never ran changed bytes, so it proves nothing: {outcome}")
    return "; ".join(f"{mode}: {outcome}" for mode, outcome in outcomes.items())


def _until_won(times: int, race) -> races.Outcome:
    """The first of at most so many races in which changed bytes ran, or the last."""
    for _ in range(times):
        outcome = race()
        if outcome.evil > 0:
            break
    return outcome
