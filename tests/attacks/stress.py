"""Races that run for a while, and what must come of them: never a byte that was not judged."""

import os
import time

import races
from attack import Scene
from harness.env import TestError

_LONGEST_UNGUARDED = 30.0
_SECONDS = {"prevent": float(os.environ.get("HOLDFAST_STRESS_SECONDS", "30")), "detect": 5.0, "off": 1.0}


def until_over(scene: Scene, once) -> races.Outcome:
    """`once()` again and again, until the time of the scene's mode is over."""
    begin = time.monotonic()
    outcome = once()
    # Where nothing guards, the race must be won to prove anything; some windows are narrow.
    while (passed := time.monotonic() - begin) < _SECONDS[scene.mode] or (
            scene.mode == "off" and not outcome.evil and passed < _LONGEST_UNGUARDED):
        outcome += once()
    return outcome


def seconds(scene: Scene) -> float:
    return _SECONDS[scene.mode]


def judge(scene: Scene, outcome: races.Outcome, is_told=False) -> str:
    """The table's cell. Unguarded the race must be won; in detect mode what ran must have been told."""
    line = f"{scene.tag}: {outcome.attempts} attempts in {_SECONDS[scene.mode]:.0f} s: {outcome}\n"
    print(line, end="", flush=True)  # in one piece: others print at the same time
    if scene.mode == "prevent" and outcome.evil:
        raise TestError(f"bytes that were not judged ran: {outcome}")
    if scene.mode == "off" and not outcome.evil:
        raise TestError(f"changed bytes never ran, so it proves nothing: {outcome}")
    if scene.mode == "detect" and outcome.evil and not (is_told or told(scene)):
        raise TestError(f"changed bytes ran, and nobody was told: {outcome}")
    return {"prevent": f"held, {outcome.attempts} attempts", "detect": "told" if outcome.evil else "nothing to tell"}.get(
        scene.mode, "runs")


def told(scene: Scene) -> bool:
    scene.service.alerts.fence(scene.fence)
    return bool(scene.service.alerts.drift(scene.container, verdict="allow"))
