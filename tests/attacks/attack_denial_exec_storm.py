"""An exec storm of drift from 100 processes, while another container works."""

import statistics
import threading
import time

from harness import latency
from harness.env import TestError, wait_until

ROW = "verdict denial of service"
MODES = ("prevent",)
UNGUARDED = True
SAYS_PREVENT = "each denied; the other container's executions take at most twice as long (p99), or, where that is more, at most twice what they take beside the same storm with nobody guarding, since a container that is denied again and again waits for its answers; every attempt is in the alerts' counts"
_ROUNDS, _MOST_ROUNDS, _EXECUTIONS, _STORM_SECONDS = 4, 16, 300, 2.5
_MOST = 2  # times the p99 without the storm, or without us
_unguarded: list[float] = []  # the p99 beside the same storm where nobody guards, which the machine itself costs


def attempt(scene):
    neighbour = scene.lab.run()
    scene.container.sh("cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; echo x >>/usr/local/bin/tool")
    before = _told(scene) if scene.service else 0
    denied = []

    def both() -> tuple[int, int]:
        alone = _p99(neighbour)
        with Storm(scene.container, scene.mode != "off") as storm:
            beside = _p99(neighbour)
            storm.must_last()
        denied.append(storm.denied)
        return alone, beside

    machine = _MOST * max(_unguarded, default=0)

    def too_slow(pairs: latency.Pairs) -> bool:
        return scene.mode != "off" and pairs.ratio > _MOST and statistics.median(pairs.other) > machine

    pairs = latency.compare(both, too_slow, _ROUNDS, _MOST_ROUNDS)
    line = f"{sum(denied)} denied; the other container's executions, alone and beside the storm: {pairs}"
    print(line, flush=True)
    if scene.mode == "off":
        _unguarded[:] = pairs.other
        return f"runs, {pairs}"
    wait_until("the alerts' counts", lambda: _told(scene) - before >= sum(denied), 10)
    if (told := _told(scene) - before) != sum(denied):
        raise TestError(f"{told} alerts delivered, folded or lost for {sum(denied)} attempts")
    if too_slow(pairs) and pairs.at_least > _MOST:
        raise TestError(line)
    return f"held, {pairs}"


def _p99(container) -> int:
    result = container.exec("/bin/taskset", "2", "/attack/exectime", _EXECUTIONS, "/usr/local/bin/only-1", timeout=60)
    if result.status != 0:
        raise TestError(f"image code was not run beside the storm: {result}")
    return latency.p99([int(line) for line in result.out.split()])


def _told(scene) -> int:
    """Attempts that were told, counted in another one's alert, or counted as lost."""
    return int(scene.service.metric("holdfast_alerts_total") + scene.service.metric("holdfast_alerts_waiting"))


class Storm:
    """100 processes that do nothing but execute drift, on one of the processors: what the scheduler does is not Holdfast's."""

    def __init__(self, container, guarded: bool):
        self.container, self.guarded, self.out, self.denied = container, guarded, "", 0

    def __enter__(self):
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        time.sleep(0.3)
        return self

    def _run(self):
        self.out = self.container.exec("/bin/taskset", "1", "/attack/execloop", int(_STORM_SECONDS * 1000), 100, "/tmp/evil",
                                       "/usr/local/bin/tool", timeout=60).out.strip()

    def must_last(self):
        if not self.thread.is_alive():
            raise TestError("the storm was over before the measurement was")

    def __exit__(self, *_):
        self.thread.join()
        counts = dict(word.split("=") for word in self.out.splitlines()[-1].split())
        if self.guarded and (int(counts["ran"]) or int(counts["other"]) or not int(counts["denied"])):
            raise TestError(f"drift: {self.out}")
        self.denied = int(counts["denied"])
