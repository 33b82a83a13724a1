"""What an execution costs in a prevent-mode container: against none of this, and against the cheapest responder."""

from rig.container import LISTED, UNLISTED, base_layer, filler_layer
from rig.host import BenchError, marked_devices
from rig.lab import Lab, require_alone, require_prevent, wait_captured
from rig.stats import Spread, median, ratios, turns
from rig.table import MICROSECONDS, Row, ratio_row

EXECS, WARM_UP = 100, 10


def measure(lab: Lab) -> list[Row]:
    """Four containers of one image run all the time, one works at a time, in turns: unmarked, marked by an allow-all
    responder, marked by Holdfast, and unmarked once more, whose distance from the first is the machine's noise."""
    lower = [filler_layer(lab.folder / "filler", 1000, 2048), base_layer(lab.folder / "base")]
    service = lab.service("service", LISTED)
    containers = {}
    for name, runtime in (("none", UNLISTED), ("allow-all", UNLISTED), ("prevent", LISTED), ("none-again", UNLISTED)):
        # A namespace each: the service looks at all of the namespace from which a runtime that it knows is executed.
        root = lab.root(name, lab.namespace(), lower)
        containers[name] = lab.start(root, runtime, f"exec-{name}")
    responder = lab.allow_all(containers["allow-all"])
    wait_captured(service, 1)
    containers["prevent"].order("exec", WARM_UP, "/bench/nothing")
    require_prevent(service, containers["prevent"])
    _check_marks(lab, containers, service.process.pid, responder.pid)

    series = {name: [] for name in containers}
    means = {name: [] for name in containers}
    before = service.status()["gate"]
    names = list(containers)
    for i in range(lab.rounds(220, 36)):
        for name in turns(names, i):
            times = containers[name].order("exec", WARM_UP + EXECS, "/bench/nothing")[WARM_UP:]
            series[name].append(median(times))
            means[name].append(sum(times) / len(times))
    after = service.status()["gate"]
    require_alone(list(containers.values()), {service.process.pid, responder.pid})
    _check_answers(len(series["none"]) * (WARM_UP + EXECS), before, after)

    def row(name, labels, reference, measured, goal=None):
        mean = Spread.of(ratios(means[measured], means[reference])).p50
        again = "none-again" if reference == "none" else None
        noise = series[again] if again else [value * factor for value, factor in zip(
            series[reference], ratios(series["none-again"], series["none"]))]
        return ratio_row(name, labels, series[reference], series[measured], noise, MICROSECONDS, goal,
                         ratio_of_means=mean, execs_per_round=EXECS)

    return [row("exec: prevent mode", ("no service", "prevent"), "none", "prevent", 1.05),
            row("exec: prevent mode", ("allow-all", "prevent"), "allow-all", "prevent", 1.03),
            row("exec: allow-all responder", ("no service", "allow-all"), "none", "allow-all")]


def _check_marks(lab: Lab, containers, service: int, responder: int):
    """By what the kernel says of both groups: each has marked its own container, and nobody the unmarked ones."""
    device = {name: container.root.device() for name, container in containers.items()}
    by_service, by_responder = marked_devices(service), marked_devices(responder)
    if by_responder != {device["allow-all"]}:
        raise BenchError(f"the allow-all responder has marked {by_responder} instead of {device['allow-all']}")
    for name in ("none", "none-again", "allow-all"):
        if device[name] in by_service:
            raise BenchError(f"the service has marked the superblock of {name}")
    others = len(by_service - {device["prevent"]})
    lab.note("exec: by /proc/PID/fdinfo, the service has marked the superblock of the measured container and "
             f"{others} that belong to others on this machine; the containers without a service are unmarked.")


def _check_answers(execs: int, before: dict, after: dict):
    """That the service has answered every execution of the prevent-mode container, and as the image's own code."""
    answered = after["fast_allows"] - before["fast_allows"]
    if answered < execs:
        raise BenchError(f"only {answered} of {execs} executions were answered on the fast path")
