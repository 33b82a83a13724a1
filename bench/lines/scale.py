"""Resident memory with 1, 100 and 1,000 containers, and the gate's latency with 1 and with 1,000."""

from rig.container import LISTED, LISTED_TOO, base_layer, filler_layer
from rig.host import BenchError, mount_overlay, wait_until
from rig.lab import Lab, require_alone, require_prevent, wait_captured
from rig.stats import Spread, median, ratios, turns
from rig.table import Row, span

MIB = 2**20
STEPS, IMAGES, FILES, GOAL = (1, 100, 1000), 20, 1000, 64 * MIB
EXECS, WARM_UP = 200, 10
FLAT = 1.25  # the width of the histogram's buckets: a neighbour may be the same time


def measure(lab: Lab) -> list[Row]:
    """Two services that each know a runtime of their own: one has a single container, the other one grows."""
    base = base_layer(lab.folder / "base")
    common = filler_layer(lab.folder / "common", FILES, 1024)
    images = [[filler_layer(lab.folder / f"image-{i}", 10, 1024), common, base] for i in range(IMAGES)]
    one, many = lab.service("one", LISTED), lab.service("many", LISTED_TOO)
    namespace = lab.namespace()
    rows, barrier = _grow(lab, many, namespace, images)
    containers = []
    for name, service, runtime, space in (("one", one, LISTED, lab.namespace()),
                                          ("many", many, LISTED_TOO, namespace)):
        container = lab.start(lab.root(f"root-{name}", space, images[0]), runtime, f"scale-{name}")
        container.order("exec", WARM_UP, "/bench/nothing")
        wait_captured(service, 1)
        require_prevent(service, container)
        containers.append((service, container))
    lab.note(f"memory: {STEPS[-1]} overlays of {IMAGES} images with {FILES + 12} executables each; the runtime's "
             f"execution that shows the last {STEPS[-1] - STEPS[-2]} to the service is held {barrier / 1e6:.0f} ms.")
    rows += _latency(lab, *containers)
    require_alone([container for _, container in containers], {one.process.pid, many.process.pid})
    return rows


def _grow(lab: Lab, service, namespace, images):
    """Plain overlays, which the execution of a runtime shows to the service as it would containers."""
    others = len(service.containers())
    rows, have, held = [], 0, 0
    for wanted in STEPS:
        targets = [lab.folder / f"plain-{i}" for i in range(have, wanted)]
        for target in targets:
            for name in ("root", "upper", "work"):
                (target / name).mkdir(parents=True)

        def mount(targets=targets, have=have):
            for i, target in enumerate(targets, have):
                mount_overlay(target / "root", images[i % IMAGES], target / "upper", target / "work")

        namespace.run(mount)
        have = wanted
        held = namespace.time(LISTED_TOO, "--version")
        wait_until(f"{wanted} containers", lambda: service.status()["containers"]["all"] - others >= wanted)
        wait_captured(service, min(wanted, IMAGES))
        size = service.resident_bytes()
        last = wanted == STEPS[-1]
        rows.append(Row(f"memory, {wanted:,} container{'s' * (wanted > 1)}", measured="resident",
                        result=f"{size / MIB:.1f} MiB", goal=f"<= {GOAL // MIB} MiB" if last else "",
                        reached=size <= GOAL if last else None, numbers={"bytes": size, "containers": wanted}))
    return rows, held


def _latency(lab: Lab, one, many) -> list[Row]:
    """Rounds of executions in one container of each service, in turns. The services' own histograms tell the time from
    reading an event to its answer; the workers tell the whole execution, with which the two are compared."""
    slots = {"one": one, "many": many, "one-again": one}
    histograms = {name: {} for name in slots}
    series = {name: [] for name in slots}
    names = list(slots)
    for i in range(lab.rounds(60, 12)):
        for name in turns(names, i):
            service, container = slots[name]
            before = service.latency_buckets()
            times = container.order("exec", WARM_UP + EXECS, "/bench/nothing")[WARM_UP:]
            _add(histograms[name], _counts(service.latency_buckets()), _counts(before))
            series[name].append(median(times))
    rows = []
    for part, word in ((0.5, "p50"), (0.99, "p99")):
        at = {name: _quantile(counts, part) for name, counts in histograms.items()}
        ratio = at["many"] / at["one"]
        rows.append(Row(f"gate latency {word}", f"1 container {at['one'] * 1e6:.4g} us",
                        f"1,000 {at['many'] * 1e6:.4g} us", f"{ratio:.2f}", "", f"{at['one-again'] / at['one']:.2f}",
                        f"<= {FLAT}", ratio <= FLAT * 1.001, {"seconds": at}))
    result, noise = (Spread.of(ratios(series[name], series["one"])) for name in ("many", "one-again"))
    rows.append(Row("exec: 1,000 containers", f"1 container {median(series['one']) / 1e3:.4g} us",
                    f"1,000 {median(series['many']) / 1e3:.4g} us", f"{result.p50:.3f}", span(result, ".3f"),
                    span(noise, ".3f"), numbers={"nanoseconds": series}))
    return rows


def _counts(buckets: dict) -> dict:
    """What fell into each bucket, from what fell into it and all below."""
    counts, below = {}, 0
    for bound in sorted(buckets):
        counts[bound], below = buckets[bound] - below, buckets[bound]
    return counts


def _add(total: dict, after: dict, before: dict):
    for bound, count in after.items():
        new = count - before.get(bound, 0)
        if new > 0:
            total[bound] = total.get(bound, 0) + new


def _quantile(counts: dict, part: float) -> float:
    """The upper bound of the bucket in which it lies."""
    if not counts:
        raise BenchError("the service has measured no latency")
    wanted, seen = part * sum(counts.values()), 0
    for bound in sorted(counts):
        seen += counts[bound]
        if seen >= wanted:
            return bound
    raise BenchError("a histogram that does not add up")
