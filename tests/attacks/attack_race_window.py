"""A writable mapping made and given up between verdict and execution."""

import races
from harness.env import TestError

ROW = "race: write after check"
MODES = ("prevent",)


def attempt(scene):
    outcome = races.race(scene.container, "window", 1500)
    if outcome.evil:
        raise TestError(f"bytes that were not judged ran: {outcome}")
