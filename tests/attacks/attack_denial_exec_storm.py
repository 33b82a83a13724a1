"""An exec storm of drift from 100 processes."""

import threading
import time

from harness.env import TestError

ROW = "verdict denial of service"
MODES = ("prevent",)


def attempt(container):
    """Image code goes on meanwhile: it is answered without waiting for what drift keeps busy."""
    container.sh("cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; echo x >>/usr/local/bin/tool")
    said = []
    storm = threading.Thread(target=lambda: said.append(container.exec(
        "/attack/execloop", 4000, 100, "/tmp/evil", "/usr/local/bin/tool", timeout=60).out.strip()))
    storm.start()
    slowest = 0.0
    while storm.is_alive():
        begin = time.monotonic()
        if container.exec("/usr/local/bin/only-1", timeout=30).out != "only v1\n":
            raise TestError("image code was not run")
        slowest = max(slowest, time.monotonic() - begin)
    counts = dict(word.split("=") for word in said[0].splitlines()[-1].split())
    if int(counts["ran"]) or int(counts["other"]) or not int(counts["denied"]):
        raise TestError(f"drift: {said}")
    if slowest > 5:
        raise TestError(f"image code took {slowest:.1f} s beside the storm")
