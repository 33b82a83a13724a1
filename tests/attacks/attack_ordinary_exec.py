"""Health checks and exec entries, thirty of them."""

from harness import debian
from harness.env import TestError

ROW = "ordinary work"
IMAGE = debian.image
UNGUARDED = True
SAYS_PREVENT = SAYS_DETECT = "runs, no alert"
MECHANISM = "allowed"


def attempt(scene):
    for number in range(30):
        check = ("/bin/sh", "-c", "test -d /proc/1 && exit 0") if number % 3 else ("/usr/bin/python3", "-c", "print(1)")
        if (result := scene.container.exec(*check)).status != 0:
            raise TestError(f"a health check did not run: {result}")
    if scene.service:
        scene.service.alerts.fence(scene.fence)
        if found := scene.service.alerts.drift(scene.container):
            raise TestError(f"{len(found)} alerts, one of them {found[0]}")
    return "runs, silent" if scene.service else "runs"
