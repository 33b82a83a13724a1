"""What a container that writes a lot pays for being asked who wrote: an untar of 20,000 files, with and without."""

import io
import shutil
import tarfile
from pathlib import Path

from rig.container import LISTED, UNLISTED, base_layer, filler_layer
from rig.lab import Lab, require_alone, require_prevent, wait_captured
from rig.stats import turns
from rig.table import MILLISECONDS, Row, ratio_row

FILES, DIRECTORIES, SIZE = 20_000, 200, 2048


def measure(lab: Lab) -> list[Row]:
    """Containers of one image, in turns: unmarked, in prevent mode with all that belongs to it, and unmarked again."""
    lower = [filler_layer(lab.folder / "filler", 100, 2048), _layer(lab.folder / "base")]
    service = lab.service("service", LISTED)
    containers = {}
    for name, runtime in (("none", UNLISTED), ("tracked", LISTED), ("none-again", UNLISTED)):
        containers[name] = lab.start(lab.root(name, lab.namespace(), lower), runtime, f"unpack-{name}")
    wait_captured(service, 1)
    require_prevent(service, containers["tracked"])

    series, worked = ({name: [] for name in containers} for _ in range(2))
    names = list(containers)
    before = service.status()["writers"]
    for i in range(1 + lab.rounds(10, 4)):
        for name in turns(names, i):
            time, processor = containers[name].order("unpack", 1, "/bench/tree.tar")
            if i > 0:  # the first round warms up
                series[name].append(time)
                worked[name].append(processor)
    after = service.status()["writers"]
    require_alone(list(containers.values()), {service.process.pid})
    seen = after["events"] - before["events"]
    lab.note(f"unpack: of {FILES * (1 + len(series['none']))} files that were unpacked in the tracked container, the service took "
             f"in {seen} events; losses: {after['losses'] - before['losses']}.")
    rows = []
    for what, of in (("", series), (", tar's own work", worked)):
        rows.append(ratio_row(f"unpack: 20,000 files{what}", ("no service", "prevent"), of["none"], of["tracked"],
                              of["none-again"], MILLISECONDS, 1.05))
    return rows


def _layer(folder: Path) -> Path:
    base_layer(folder)
    shutil.copy("/bin/busybox", folder / "bench" / "busybox")
    with tarfile.open(folder / "bench" / "tree.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for i in range(FILES):
            info = tarfile.TarInfo(f"d{i % DIRECTORIES}/file-{i}")
            info.size, info.mode, info.mtime = SIZE, 0o755 if i % 10 == 0 else 0o644, 1700000000
            tar.addfile(info, io.BytesIO(i.to_bytes(4, "little") * (SIZE // 4)))
    return folder
