"""Copy-up by a write or by truncate(2) between verdict and execution, a thousand untouched programs after the other."""

import races
import stress
from harness.env import TestError

ROW = "race: cache"
STRESS = UNGUARDED = True


def attempt(scene):
    """A container has its untouched programs once: each round has a container of its own."""
    number = 0

    def once():
        nonlocal number
        number += 1
        runtime = scene.container.runtime
        container = runtime.create(name=f"{scene.container.name}-{number}")
        try:
            container.plant("/tmp/keep", b"", 0o644)
            if (result := container.start()).status != 0:
                raise TestError(f"the container does not start: {result}")
            outcome = races.copy_up(container, "even") + races.copy_up(container, "odd", "--truncate")
            if scene.mode == "detect" and outcome.evil:
                scene.service.alerts.fence(scene.fence)
                if not scene.service.alerts.drift(container, verdict="allow"):
                    raise TestError(f"changed bytes ran, and nobody was told: {outcome}")
            return outcome
        finally:
            container.remove()

    outcome = stress.until_over(scene, once)
    return stress.judge(scene, outcome, is_told=True)
