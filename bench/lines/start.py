"""What the service adds to a container's start: `crun run` to the end of a first process that does nothing."""

from rig.container import LISTED, UNLISTED, Container, Root, base_layer, filler_layer, renew
from rig.host import BenchError
from rig.lab import Lab, wait_captured
from rig.stats import turns
from rig.table import MILLISECONDS, Row, difference_row

SLOTS = {"none": UNLISTED, "service": LISTED, "none-again": UNLISTED}


def measure(lab: Lab) -> list[Row]:
    """The same runtime under a name that the service knows and under one that it does not, in turns; first with an image
    that is known, then with images that were never seen before."""
    base = base_layer(lab.folder / "base")
    service = lab.service("service", LISTED)
    namespaces = {name: lab.namespace() for name in SLOTS}
    layer = filler_layer(lab.folder / "layer-0", 64, 256 << 10)
    barriers, renewed, captures = service.status()["gate"]["barriers"], 0, 1
    rounds = 1 + lab.rounds(100, 18)  # the first one warms up, and makes the known image known
    series = {image: {name: [] for name in SLOTS} for image in ("new", "known")}
    for image in ("known", "new"):
        for i in range(rounds):
            for name in turns(list(SLOTS), i):
                if image == "new":
                    renewed += 1
                    layer = renew(layer, lab.folder / f"layer-{renewed}")
                    captures += SLOTS[name] == LISTED
                with Root(lab.folder / "root", namespaces[name], [layer, base]) as root:
                    time = Container(root, SLOTS[name], f"start-{name}", "/bench/nothing").run_timed()
                    # A capture goes on after the start, and must not disturb what is measured next.
                    if SLOTS[name] == LISTED:
                        wait_captured(service, captures)
                if i > 0:
                    series[image][name].append(time)
    _check(service.status()["gate"]["barriers"] - barriers, 2 * rounds)
    return [difference_row(f"container start, {image} image", ("no service", "service"), series[image]["none"],
                           series[image]["service"], series[image]["none-again"], MILLISECONDS, goal)
            for image, goal in (("new", 10e6), ("known", 2e6))]


def _check(barriers: int, starts: int):
    """That the service has seen each start that it should have."""
    if barriers < starts:
        raise BenchError(f"the service has seen only {barriers} of {starts} container starts")
