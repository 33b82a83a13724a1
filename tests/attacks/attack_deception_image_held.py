"""A program of an excepted image, written after its check through a mapping whose descriptor is closed."""

import races
from harness.env import TestError

ROW = "deception"
MODES = ("prevent",)
POLICY = """[Drift]
Mode=%MODE%
OnDeadline=deny
Relocated=deny
[Allow tools]
Image=*
"""


def attempt(scene):
    outcome = races.race(scene.container, "held", 1500)
    if outcome.evil:
        raise TestError(f"bytes that were not judged ran: {outcome}")
