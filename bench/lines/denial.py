"""A denied 4 GiB file costs what a denied 4 KiB file costs."""

from rig.container import LISTED, base_layer, filler_layer
from rig.host import BenchError, wait_until
from rig.lab import Lab, require_alone, require_prevent, wait_captured
from rig.stats import turns
from rig.table import MICROSECONDS, Row, ratio_row

SIZES = {"small": 4096, "large": 4 << 30, "small-again": 4096}


def measure(lab: Lab) -> list[Row]:
    """One execve of each in turns, timed to its EPERM. The service hashes what it denied for the alert after it has
    answered: the next attempt waits for that, so that the answer is measured and not the queue."""
    lower = [filler_layer(lab.folder / "filler", 100, 2000), base_layer(lab.folder / "base")]
    service = lab.service("service", LISTED)
    root = lab.root("root", lab.namespace(), lower)
    (root.upper / "tmp").mkdir(mode=0o777)
    for name, size in SIZES.items():
        # Sparse: what is denied is the file's size, not what lies on the disk.
        with open(root.upper / "tmp" / name, "wb") as file:
            file.truncate(size)
        (root.upper / "tmp" / name).chmod(0o755)
    container = lab.start(root, LISTED, "denial")
    wait_captured(service, 1)
    require_prevent(service, container)

    before = service.status()
    series = {name: [] for name in SIZES}
    names = list(SIZES)
    for i in range(1 + lab.rounds(16, 4)):
        for name in turns(names, i):
            (time,) = container.order("refuse", 1, f"/tmp/{name}")
            wait_until("the alert's hash", lambda: service.status()["gate"]["pending"] == 0, interval=0.02)
            if i > 0:  # the first round warms up
                series[name].append(time)
    require_alone([container], {service.process.pid})
    _check(before, service.status(), (1 + len(series["small"])) * len(SIZES))
    return [ratio_row("denial: a 4 GiB file", ("4 KiB", "4 GiB"), series["small"], series["large"],
                      series["small-again"], MICROSECONDS, 1.2)]


def _check(before: dict, after: dict, attempts: int):
    """That each was judged to be drift: a file that the kernel cannot hand to the service is refused as well."""
    judged = {reason: count["denied"] - before["verdicts"][reason]["denied"]
              for reason, count in after["verdicts"].items() if count != before["verdicts"][reason]}
    if judged.get("added", 0) < attempts:
        gate = {name: after["gate"][name] - before["gate"][name] for name in ("kernel_denied", "deadlines_missed")}
        raise BenchError(f"{attempts} refusals, but these verdicts: {judged}, and these without one: {gate}")
