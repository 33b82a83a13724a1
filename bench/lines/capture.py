"""How fast an image's baseline is captured, and that layers which another image has are not read again."""

import os
import subprocess
import time

from rig.container import LISTED, Root, base_layer, renew
from rig.host import BenchError, die_with_parent
from rig.lab import Lab, wait_captured
from rig.stats import Spread, median, ratios
from rig.table import Row, span

SIZES = (64 << 20, 8 << 20, 1 << 20, 64 << 10)  # an equal share of the bytes in files of each size


def measure(lab: Lab) -> list[Row]:
    """In turns, over the same files, all of them in the page cache: sha256sum in as many processes as there are cores;
    a service, from the execution of a runtime to the complete and stored baseline; sha256sum once more."""
    total = (256 if lab.quick else 1024) << 20
    data = lab.folder / "data-0"
    _write(data, total)
    top = lab.folder / "top"
    (top / "etc").mkdir(parents=True)
    (top / "etc" / "name").write_text("a layer without an executable")
    base = base_layer(lab.folder / "base")
    service = lab.service("service", LISTED)
    namespace = lab.namespace()
    series = {"sha256sum": [], "capture": [], "sha256sum-again": []}
    shared = []
    for i in range(1 + lab.rounds(6, 3)):
        data = renew(data, lab.folder / f"data-{i + 1}")
        time.sleep(0.1)
        times = {"sha256sum": _sha256sum(data)}
        before = service.status()["baselines"]
        with Root(lab.folder / "root", namespace, [data, base]):
            times["capture"] = _captured(service, namespace)
            read = service.status()["baselines"]["bytes_hashed"] - before["bytes_hashed"]
            if read < total:
                raise BenchError(f"the service has read only {read} of {total} bytes")
            with Root(lab.folder / "second", namespace, [top, data, base]):
                before = service.status()["baselines"]
                _captured(service, namespace)
                after = service.status()["baselines"]
                shared.append(after["bytes_hashed"] - before["bytes_hashed"])
                if after["cache_hits"] <= before["cache_hits"]:
                    raise BenchError("the second image was not captured from the first one's hashes")
        times["sha256sum-again"] = _sha256sum(data)
        for name, value in times.items() if i > 0 else ():  # the first round warms up
            series[name].append(value)
    return [_throughput_row(series, total),
            Row("second image, shared layers", f"first image {total / 2**20:.0f} MiB", "bytes read",
                f"{max(shared)}", goal="0", reached=max(shared) == 0, numbers={"bytes_read": shared})]


def _throughput_row(series, total) -> Row:
    result = Spread.of(ratios(series["sha256sum"], series["capture"]))  # of throughputs: the times' inverse
    noise = Spread.of(ratios(series["sha256sum"], series["sha256sum-again"]))
    speed = {name: total / median(times) / 2**20 for name, times in series.items()}
    return Row("capture throughput", f"{os.cpu_count()} sha256sum {speed['sha256sum']:.0f} MiB/s",
               f"capture {speed['capture']:.0f} MiB/s", f"{result.p50:.2f}", span(result, ".2f"), span(noise, ".2f"),
               ">= 1.0", result.p50 >= 1.0, {"bytes": total, "seconds": series})


def _write(layer, total):
    folder = layer / "opt"
    folder.mkdir(parents=True)
    for size in SIZES:
        for i in range(total // len(SIZES) // size):
            path = folder / f"{size}-{i}"
            path.write_bytes(os.urandom(size))
            path.chmod(0o755)
    os.sync()  # what is still to be written to the disk would disturb what is measured


def _captured(service, namespace) -> float:
    """Executes a runtime in the namespace, which shows its overlays to the service; seconds to the end of the capture."""
    done = service.status()["baselines"]["captures_done"]
    begin = time.monotonic()
    namespace.time(LISTED, "--version")
    wait_captured(service, done + 1)
    return time.monotonic() - begin


def _sha256sum(layer) -> float:
    """Seconds for all files of the layer, dealt out to as many processes as there are cores."""
    files = sorted((layer / "opt").iterdir(), key=lambda path: -path.stat().st_size)
    cores = os.cpu_count()
    begin = time.monotonic()
    processes = [subprocess.Popen(["/usr/bin/sha256sum", *files[i::cores]], stdout=subprocess.DEVNULL,
                                  preexec_fn=die_with_parent) for i in range(cores)]
    if any(process.wait() != 0 for process in processes):
        raise BenchError("sha256sum failed")
    return time.monotonic() - begin
