#!/usr/bin/python3
"""A whole host: boots Debian 12 under software emulation, with systemd, and lets guest.py try the package there.

usage: tests/vm/run.py [--kernel 6.1|6.12] [--fs ext4|xfs|btrfs] [--attacks PATTERN…] [--kills N] [--upgrades N]
                        [--brief] [--only PATTERN…] [--keep]

--fs is what lies below the containers' overlays. --attacks names the attempts of tests/attacks that are made, too ("-" for
none); --kills and --upgrades say how often the service is killed and the package upgraded under load. --brief is what CI has time for: a few of each, and
none of the tests that wait for the watchdog or for an absence to be over. Needs root, and what ./dev package has made. Prints the lines of the guest's
console; the exit status is 0 if the guest's tests have passed and it has shut down by itself.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from harness import roots  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2]
PACKAGES = Path(os.environ.get("HOLDFAST_PACKAGES", SOURCE / "build" / "packages"))
KERNELS = {"6.1": "linux-image-cloud-amd64", "6.12": "linux-image-6.12-cloud-amd64"}
NEEDS = ["systemd", "systemd-sysv", "dbus", "udev", "initramfs-tools", "zstd", "python3", "podman", "crun", "runc", "conmon", "busybox-static",
         "gcc", "libc6-dev", "python3-jsonschema", "xfsprogs", "btrfs-progs", "procps", "nftables", "iptables", "e2fsprogs"]
# What the machine needs before it has its root: 7 instead of 15 MB, made in 5 instead of 19 s, which an emulated processor unpacks twice.
SMALL_INITRD = {"/etc/initramfs-tools/conf.d/small": "MODULES=list",
                "/usr/share/initramfs-tools/modules.d/holdfast": "virtio_pci\nvirtio_blk\next4\ncrc32c_generic"}
ATTACKS = ["new_file_copied", "changed_file_patched", "attributes", "loader_glibc", "memory_fexecve", "superblock_tmpfs_inside", "dirty_past"]
LIMIT_SECONDS = 5400


def only(pattern: str) -> Path:
    found = [p for p in PACKAGES.glob(pattern) if "dbgsym" not in p.name]
    if len(found) != 1:
        sys.exit(f"{PACKAGES}/{pattern}: {len(found)} files; ./dev package makes one")
    return found[0]


def call(*argv, **options):
    subprocess.run([str(a) for a in argv], check=True, stdin=subprocess.DEVNULL, **options)


def root_archive(kernel: str) -> Path:
    """A Debian with what the package depends on."""
    return roots.archive("vm", ",".join([*NEEDS, KERNELS[kernel], *roots.depends(only("holdfast_*.deb"))]), settings=SMALL_INITRD)


def put_older(package: Path, work: Path, upgrades: int, here: Path):
    """The package under as many older versions: what upgrades begin with and lead through."""
    folder = work / "older"
    call("dpkg-deb", "-R", package, folder)
    control = folder / "DEBIAN" / "control"
    for i in range(1, upgrades + 1):
        control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: 0.0.{i}", control.read_text()))
        call("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", folder, here / f"old-{i}.deb", stdout=subprocess.DEVNULL)


def fill(root: Path, work: Path, upgrades: int):
    """The packages and the tests, and a unit that runs them at each boot."""
    here, package = root / "opt" / "holdfast", only("holdfast_*.deb")
    here.mkdir(parents=True)
    shutil.copy(package, here / "new.deb")
    put_older(package, work, upgrades, here)
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("system", "attacks", "tools", "vm"):
        shutil.copytree(SOURCE / "tests" / folder, here / "tests" / folder, ignore=ignored)
    if (built := SOURCE / "build" / "tools").exists():  # with the emulated compiler it takes a minute
        shutil.copytree(built, here / "build" / "tools")
    (here / "conf").mkdir()
    shutil.copy(SOURCE / "conf" / "alert.schema.json", here / "conf")
    units = root / "etc" / "systemd" / "system"
    shutil.copy(SOURCE / "tests" / "vm" / "holdfast-vm.service", units)
    wants = units / "multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "holdfast-vm.service").symlink_to("../holdfast-vm.service")
    # Its hang-up would end what writes to the console.
    (units / "serial-getty@ttyS0.service").symlink_to("/dev/null")
    (root / "etc" / "hostname").write_text("holdfast-vm\n")
    (root / "etc" / "fstab").write_text("/dev/vda / ext4 defaults 0 0\n")
    journal = root / "var" / "log" / "journal"
    journal.mkdir(exist_ok=True)  # persistent: alerts are there after a reboot


def emulate(work: Path, words: str, begin: float) -> tuple[int, list[str]]:
    """One run of the machine, until it is switched off or boots again: the emulator's status, and what the console showed."""
    qemu = subprocess.Popen(
        ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048", "-net", "none", "-display", "none",
         "-monitor", "none", "-serial", "stdio", "-no-reboot", "-kernel", work / "kernel", "-initrd", work / "initrd", "-append", words,
         "-drive", f"file={work / 'root.img'},if=virtio,format=raw,cache=unsafe", "-drive", f"file={work / 'data.img'},if=virtio,format=raw,cache=unsafe"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    timer = threading.Timer(begin + LIMIT_SECONDS - time.monotonic(), qemu.kill)
    timer.start()
    said = []
    for line in qemu.stdout:
        said.append(line.decode(errors="replace").rstrip())
        print(f"{time.monotonic() - begin:6.1f}  {said[-1]}", flush=True)
    timer.cancel()
    return qemu.wait(), said


def boot(work: Path, options: argparse.Namespace) -> int:
    """Twice, each time in a new emulator: what an old one has translated slows the next boot down (37 instead of 30 s, 75 at a run's end)."""
    words = f"console=ttyS0 root=/dev/vda rw quiet hfvm.fs={options.fs} hfvm.attacks={','.join(options.attacks)} hfvm.kills={options.kills}"
    if options.brief:
        words += " hfvm.brief=1"
    if options.only:
        words += f" hfvm.only={','.join(options.only)}"
    begin = time.monotonic()
    for _ in range(2):
        status, said = emulate(work, words, begin)
        if status == 0 and (last := [found for line in said if (found := re.match(r"VM: finished with (\d+) failed", line))]):
            return 1 if int(last[-1].group(1)) else 0
        if status != 0 or not any("reboot: Restarting system" in line for line in said):
            break
    print(f"the VM did not finish within {LIMIT_SECONDS} s, or ended early (status {status})")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", choices=KERNELS, default="6.1")
    parser.add_argument("--fs", choices=("ext4", "xfs", "btrfs"), default="ext4")
    parser.add_argument("--brief", action="store_true", help="what CI has time for")
    parser.add_argument("--attacks", nargs="*")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--upgrades", type=int)
    parser.add_argument("--only", nargs="+", metavar="PATTERN", help="of the first boot's tests those with such a name")
    parser.add_argument("--keep", action="store_true", help="leave the images where they are")
    options = parser.parse_args()
    usual = {"attacks": ATTACKS[:1], "kills": 5, "upgrades": 1} if options.brief else {"attacks": ATTACKS, "kills": 100, "upgrades": 20}
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    archive = root_archive(options.kernel)
    work = Path(tempfile.mkdtemp(prefix="holdfast-vm."))
    try:
        root = work / "root"
        root.mkdir()
        call("tar", "-C", root, "-xf", archive)
        fill(root, work, options.upgrades)
        kernel, initrd = (max((root / "boot").glob(name)) for name in ("vmlinuz-*", "initrd.img-*"))
        shutil.copy(kernel, work / "kernel")
        shutil.copy(initrd, work / "initrd")
        call("mkfs.ext4", "-q", "-d", root, work / "root.img", "3G", stdout=subprocess.DEVNULL)
        with open(work / "data.img", "wb") as data:
            data.truncate(3 << 30)
        shutil.rmtree(root)
        return boot(work, options)
    finally:
        if options.keep:
            print(f"images: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
