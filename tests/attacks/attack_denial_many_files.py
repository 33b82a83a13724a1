"""10,000 different drifted programs, one after the other."""

from harness.env import TestError, wait_until

ROW = "verdict denial of service"
SAYS_PREVENT = "each denied, the service's memory stays bounded, every attempt is in the alerts' counts"
SAYS_DETECT = "each runs; the service's memory stays bounded, every attempt is in the alerts' counts"
_FILES, _MOST_GROWTH = 10000, 64 << 20


def attempt(scene):
    service = scene.service
    told, memory = _told(service), service.memory()
    out = scene.container.exec("/attack/manyfiles", _FILES, "/attack/payload.bin", "/tmp", timeout=120).out.strip()
    found = {"prevent": f"ran=0 denied={_FILES} other=0", "detect": f"ran={_FILES} denied=0 other=0"}[scene.mode]
    if not out.endswith(found):
        raise TestError(f"{out[-100:]} instead of {found}")
    if scene.container.exec("/usr/local/bin/tool").out != "tool v1\n":
        raise TestError("image code does not run afterwards")
    wait_until("the alerts' counts", lambda: _told(service) - told >= _FILES, 30)
    if (number := _told(service) - told) != _FILES:
        raise TestError(f"{number} alerts delivered, folded or lost for {_FILES} attempts")
    if (growth := service.memory() - memory) > _MOST_GROWTH:
        raise TestError(f"the service's memory grew from {memory >> 20} to {service.memory() >> 20} MiB")
    return f"held, memory {memory >> 20} → {(memory + growth) >> 20} MiB"


def _told(service) -> int:
    """Attempts that were told, counted in another one's alert, or counted as lost."""
    return int(service.metric("holdfast_alerts_total") + service.metric("holdfast_alerts_waiting"))
