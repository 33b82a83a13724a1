"""A writable mapping whose descriptor is closed, flipped while it executes."""

import races
from harness.env import TestError

ROW = "race: write after check"
MODES = ("prevent",)


def attempt(scene):
    outcome = races.race(scene.container, "held", 1500)
    if outcome.evil:
        raise TestError(f"bytes that were not judged ran: {outcome}")
