"""rename over the program, and back, in a tight loop."""

import races
from harness.env import TestError

ROW = "race: write after check"
MODES = ("prevent",)


def attempt(scene):
    outcome = races.race(scene.container, "replace", 1500)
    if outcome.evil:
        raise TestError(f"bytes that were not judged ran: {outcome}")
