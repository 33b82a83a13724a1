"""Copy-up and a write between the verdict on the image's bytes and the execution."""

import races
from harness.env import TestError

ROW = "race: write after check"
MODES = ("prevent",)


def attempt(scene):
    outcome = races.copy_up(scene.container, "even")
    if outcome.evil:
        raise TestError(f"bytes that were not judged ran: {outcome}")
