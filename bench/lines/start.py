"""What the service adds to a container's start: `crun run` to the end of a first process that does nothing."""

from rig.container import LISTED, UNLISTED, Container, Root, base_layer, filler_layer, renew
from rig.host import BenchError
from rig.lab import Lab, wait_captured
from rig.table import MILLISECONDS, Row, difference_row

SLOTS = {"none": UNLISTED, "service": LISTED, "none-again": UNLISTED}


def measure(lab: Lab) -> list[Row]:
    """The same runtime under a name that the service knows and under one that it does not, in turns; an image that was
    never seen before, and one that is known."""
    base = base_layer(lab.folder / "base")
    known = filler_layer(lab.folder / "known", 64, 256 << 10)
    new = filler_layer(lab.folder / "new-0", 64, 256 << 10)
    service = lab.service("service", LISTED)
    namespaces = {name: lab.namespace() for name in SLOTS}
    series = {(image, name): [] for image in ("new", "known") for name in SLOTS}
    before, seen, renewed = service.status(), {"new": 0, "known": 0}, 0
    names = list(SLOTS)
    for i in range(1 + lab.rounds(80, 14)):
        turn = i % len(names)
        for name in names[turn:] + names[:turn]:
            renewed += 1
            new = renew(new, lab.folder / f"new-{renewed}")
            for image, layer in (("new", new), ("known", known)):
                seen[image] += SLOTS[name] == LISTED
                captures = seen["new"] + min(seen["known"], 1)
                time = _start(lab, namespaces[name], SLOTS[name], [layer, base], service, captures)
                if i > 0:  # the first round makes the known image known
                    series[image, name].append(time)
    _check(service.status(), before, sum(seen.values()))
    return [difference_row(f"container start, {image} image", ("no service", "service"), series[image, "none"],
                           series[image, "service"], series[image, "none-again"], MILLISECONDS, goal)
            for image, goal in (("new", 10e6), ("known", 2e6))]


def _start(lab: Lab, namespace, runtime, lower, service, captures) -> int:
    with Root(lab.folder / "root", namespace, lower) as root:
        time = Container(root, runtime, "start", "/bench/nothing").run_timed()
        # The capture of a new image goes on after the start: it must not disturb what is measured next.
        wait_captured(service, captures)
        return time


def _check(after: dict, before: dict, starts: int):
    """That the service has seen each start that it should have."""
    if after["gate"]["barriers"] - before["gate"]["barriers"] < starts:
        raise BenchError("the service has not seen every container start")
