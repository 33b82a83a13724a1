"""A new tmpfs mounted and executed from at once, in a loop, every other time in a mount namespace of its own."""

import re

from harness.env import TestError, wait_until

ROW = "race: mounts"
CAPABILITIES = ["CAP_SYS_ADMIN"]
UNGUARDED = True
MECHANISM = "gate or net"
SAYS_PREVENT = "denied added or killed unmediated, each of 100 times"
SAYS_DETECT = "runs, one alert each: added or unmediated"
_ROUNDS = {"prevent": 100, "detect": 10, "off": 2}
_REASONS = {("deny", "added"), ("killed", "unmediated"), ("allow", "added"), ("allow", "unmediated")}


def attempt(scene):
    rounds = _ROUNDS[scene.mode]
    out = scene.container.exec("/attack/mounts", "race", "/attack/linger.bin", scene.tag, rounds, timeout=90).out.strip()
    out = (out.splitlines() or [""])[-1]
    found = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", out)}
    if scene.mode != "prevent":
        if found != {"denied": 0, "killed": 0, "ran": rounds, "other": 0}:
            raise TestError(f"not every round ran: {out}")
    elif found.get("denied", 0) + found.get("killed", 0) != rounds:
        raise TestError(f"not every round was stopped: {out}")
    if scene.service:
        _expect_alerts(scene, rounds)
    if scene.mode == "prevent":
        return f"{found['denied']} denied, {found['killed']} killed"
    return f"{rounds} told" if scene.service else "runs"


def _expect_alerts(scene, rounds: int):
    """One a round: each round's program has a path of its own."""
    alerts = scene.service.alerts
    wait_until(f"{rounds} alerts", lambda: len(alerts.drift(scene.container)) >= rounds, 10)
    alerts.fence(scene.fence)
    told = alerts.drift(scene.container)
    words = {(a["verdict"], a["reason"]) for a in told}
    if len(told) != rounds or not words <= _REASONS or any(a.get("repeats") for a in told):
        raise TestError(f"{len(told)} alerts {sorted(words)} for {rounds} attempts")
