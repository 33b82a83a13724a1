"""What the bench asks of the machine: mount namespaces, overlays, child processes and their end."""

import contextlib
import ctypes
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
PROGRAMS = SOURCE / "build" / "bench"
STAGE = Path(os.environ.get("HOLDFAST_STAGE", SOURCE / "build" / "stage"))
PREFIX = "hfbench"  # containers and cgroups are named so

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE, _MNT_DETACH, _PR_SET_PDEATHSIG, _SIGKILL = 0x20000, 0x4000, 1 << 18, 2, 1, 9
_libc = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """A measurement could not be made, and why."""


def _call(what: str, result: int):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def die_with_parent():
    """In a child before it executes: whatever ends the bench ends it too."""
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def in_child(action):
    """Calls `action` in a process of its own and returns what it returns, a number or None; its failure is raised here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            text = f"={action()}"
        except BaseException as error:  # noqa: BLE001 (told to the parent, whatever it is)
            text = "".join(traceback.format_exception_only(error)).strip()
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text.startswith("="):
        raise BenchError(text or "a helper process died")
    return None if text == "=None" else int(text[1:])


class Namespace:
    """A mount namespace that lives as long as its descriptor and the processes in it; its mounts end with it."""

    def __init__(self):
        ready, done = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _unshare()
                os.write(ready[1], b"1")
                os.close(done[1])
                os.read(done[0], 1)
            except OSError as error:
                print(f"bench: {error}", file=sys.stderr)
            finally:
                os._exit(0)
        os.close(ready[1])
        os.close(done[0])
        made = os.read(ready[0], 1) == b"1"
        self.fd = os.open(f"/proc/{child}/ns/mnt", os.O_RDONLY) if made else -1
        os.close(ready[0])
        os.close(done[1])
        os.waitpid(child, 0)
        if not made:
            raise BenchError("no mount namespace could be made")

    def run(self, action):
        """`action` is called in a process of this namespace; see in_child."""
        def inside():
            _call("setns", _libc.setns(self.fd, _CLONE_NEWNS))
            os.chdir("/")
            return action()
        return in_child(inside)

    def mount_overlay(self, target, lower, upper, work):
        self.run(lambda: mount_overlay(target, lower, upper, work))

    def unmount(self, target):
        self.run(lambda: unmount(target))

    def device(self, path) -> int:
        """The device number of a directory as this namespace sees it: that of the file system mounted there."""
        return self.run(lambda: os.stat(path).st_dev)

    def command(self, *argv) -> list[str]:
        """The command line that runs `argv` in here; the child needs `pass_fds=[namespace.fd]`."""
        return ["/usr/bin/nsenter", f"--mount=/proc/self/fd/{self.fd}", "--wd=/", "--", *map(str, argv)]

    def time(self, *argv) -> int:
        """Runs `argv` in here to its end; nanoseconds."""
        out = subprocess.run([PROGRAMS / "timed", str(self.fd), *map(str, argv)], pass_fds=[self.fd],
                             capture_output=True, text=True, preexec_fn=die_with_parent, timeout=120, check=False)
        words = out.stdout.splitlines()[-1].split() if out.stdout else []
        if out.returncode != 0 or len(words) != 2 or words[1] != "0":
            raise BenchError(f"{' '.join(map(str, argv[:4]))}… failed: {(out.stdout + out.stderr).strip()[-400:]}")
        return int(words[0])

    def close(self):
        os.close(self.fd)


def _unshare():
    _call("unshare", _libc.unshare(_CLONE_NEWNS))
    _call("mount / private", _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
    # crun refuses a host that has both cgroup versions; in here only one is left.
    if os.path.ismount("/sys/fs/cgroup/unified"):
        for name in ("unified", "memory"):
            _libc.umount2(f"/sys/fs/cgroup/{name}".encode(), _MNT_DETACH)


def mount_overlay(target, lower, upper, work):
    options = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work}"
    _call(f"mount an overlay on {target}",
          _libc.mount(b"overlay", str(target).encode(), b"overlay", 0, options.encode()))


def unmount(target):
    end = time.monotonic() + 10
    while _libc.umount2(str(target).encode(), 0) != 0:
        if time.monotonic() > end:
            _call(f"unmount {target}", _libc.umount2(str(target).encode(), _MNT_DETACH))
            return
        time.sleep(0.005)


def stop(process: subprocess.Popen, timeout=10):
    """Ends a process of ours; killed if it does not."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def read_line(process: subprocess.Popen) -> str:
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"{process.args[0]} ended unexpectedly")
    return line.strip()


def wait_until(what: str, condition, timeout=30.0, interval=0.005):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"{what}: not within {timeout:.0f} s")
        time.sleep(interval)


def remove_cgroups():
    """What crun leaves behind if it is killed."""
    for folder, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if os.path.basename(folder).startswith(f"{PREFIX}-"):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def marked_devices(pid: int) -> set[int]:
    """Superblocks that a process's fanotify groups have marked, as st_dev: what the kernel itself says of the group."""
    devices = set()
    for fd in _fanotify_groups(pid):
        for line in Path(f"/proc/{pid}/fdinfo/{fd}").read_text().splitlines():
            if line.startswith("fanotify sdev:"):
                number = int(line.split()[1].removeprefix("sdev:"), 16)  # the kernel's own: 12 bits major, 20 minor
                devices.add(os.makedev(number >> 20, number & 0xFFFFF))
    return devices


def _fanotify_groups(pid: int) -> list[str]:
    folder, found = f"/proc/{pid}/fd", []
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile, like most of those that a gate has
            if os.readlink(f"{folder}/{fd}") == "anon_inode:[fanotify]":
                found.append(fd)
    return found


def responders() -> dict[int, str]:
    """Processes with a fanotify group, by pid."""
    found = {}
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and _fanotify_groups(int(entry)):
                found[int(entry)] = Path(f"/proc/{entry}/comm").read_text().strip()
    return found
