"""Where the tests run: the work directory, a private mount namespace, and commands that cannot hang.

The runner starts itself twice. The outer process is a subreaper: whatever the tests leave behind (conmon, shims, containers'
processes, daemons) becomes its child and is ended by its pid, however the inner one ended. The inner process runs in a
mount namespace of its own without the memory and unified cgroup mounts (crun refuses hybrid cgroups, and containers then
stay in our memory cgroup); its mounts vanish with it. The service is started in the host's namespace, as on a real host.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

WORK = Path(os.environ.get("HOLDFAST_TEST_DIR", "/tmp/holdfast-test"))
RUN = Path("/run") / WORK.name  # sockets: their paths must be short
SOURCE = Path(__file__).resolve().parents[3]
STAGE = Path(os.environ.get("HOLDFAST_STAGE", SOURCE / "build" / "stage"))
PREFIX = "hftest"  # containers, cgroups and the rootless user are named so
_INNER = "HOLDFAST_TEST_HOST_MNTNS"
_PR_SET_CHILD_SUBREAPER = 36
# What executes the programs that we start. An interpreter of this size is forked by vfork(2), and stands still until its child has
# executed something: that must be nothing that waits for the service (a runtime), which perhaps only we can start or wake.
_LAUNCHER = ("/bin/busybox", "env")
_LAUNCHER_OF_DAEMONS = ("/usr/bin/setpriv", "--pdeathsig", "TERM", "--")
_libc = ctypes.CDLL(None, use_errno=True)


class TestError(Exception):
    """Something the test stands on did not work."""


class Skip(Exception):
    """The machine lacks what the test needs; the text says what."""


@dataclass
class Result:
    status: int
    out: str

    def __str__(self):
        return f"exit status {self.status}: {self.out.strip()[-600:]}"


def run(*argv, timeout=60, check=False, env=None, cwd="/", stdin=None) -> Result:
    """Runs a command to its end. Its output goes through a file: daemons that it leaves behind keep no pipe of ours."""
    with tempfile.TemporaryFile(dir=WORK) as out:
        process = subprocess.Popen(_launched(_LAUNCHER, argv, env), stdin=subprocess.DEVNULL if stdin is None else stdin,
                                   stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env=env, start_new_session=True)
        try:
            status = end_of(process, timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            end_of(process, 10)
            raise TestError(f"{' '.join(map(str, argv[:8]))}… hung: no end after {timeout} s") from None
        out.seek(0)
        result = Result(status, out.read().decode(errors="surrogateescape"))
    if check and result.status != 0:
        raise TestError(f"{' '.join(map(str, argv[:12]))}: {result}")
    return result


def spawn(*argv, log: Path, env=None, pass_fds=(), stdin=subprocess.DEVNULL) -> subprocess.Popen:
    """Starts a daemon that gets SIGTERM should we die."""
    with open(log, "ab") as out:
        return subprocess.Popen(_launched(_LAUNCHER_OF_DAEMONS, argv, env), stdin=stdin, stdout=out, stderr=out, cwd="/", env=env,
                                pass_fds=pass_fds, start_new_session=True)


def _launched(launcher: tuple[str, ...], argv, env: dict | None) -> list[str]:
    program = shutil.which(str(argv[0]), path=env and env.get("PATH"))
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(argv[0]))
    return [*launcher, program, *map(str, argv[1:])]


def end_of(process: subprocess.Popen, timeout: float) -> int:
    """The status of a process that has ended within so many seconds; Popen.wait() looks only so often, up to 50 ms too late."""
    if process.poll() is None:
        ended = os.pidfd_open(process.pid)
        try:
            if not select.select([ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(process.args, timeout)
        finally:
            os.close(ended)
    return process.wait()


def stop_process(process: subprocess.Popen, sig=signal.SIGTERM, timeout=20) -> int:
    """Ends a daemon of ours and returns its exit status."""
    if process.poll() is None:
        process.send_signal(sig)
    try:
        return end_of(process, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        end_of(process, 10)
        raise TestError(f"{process.args[0]} did not end within {timeout} s of signal {sig}") from None


def wait_until(what: str, condition, timeout=10.0, interval=0.01, failure=lambda: ""):
    """Polls until `condition` returns something true, and returns that; `failure` tells more of it when it did not."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TestError(f"{what}: not within {timeout} s {failure()}")
        time.sleep(interval)


def mount(source, target, kind, options=""):
    """mount(2), in our own namespace."""
    if _libc.mount(str(source).encode(), str(target).encode(), kind.encode(), 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {kind} on {target} ({options[:200]})")


def umount(target, lazily=False):
    if _libc.umount2(str(target).encode(), 2 if lazily else 0) != 0:
        raise OSError(ctypes.get_errno(), f"umount {target}")


def on_host(*argv) -> tuple[list, dict]:
    """The command line that runs `argv` in the host's mount namespace, and what Popen needs with it."""
    fd = int(os.environ[_INNER])
    return ["/usr/bin/nsenter", f"--mount=/proc/self/fd/{fd}", "--wd=/", "--", *argv], {"pass_fds": (fd,)}


def enter():
    """Called first by every runner: returns in the inner process, in a clean work directory."""
    if _INNER in os.environ:
        return
    if os.geteuid() != 0:
        sys.exit("the system tests need root")
    lock = open(f"{WORK}.lock", "w")  # noqa: SIM115 (held until the end)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"waiting for another run in {WORK}", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    sys.exit(_supervise())


def _supervise() -> int:
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _remove_files()
    WORK.mkdir(mode=0o755)
    RUN.mkdir(mode=0o755)
    cgroups, shims = _cgroups(), Path("/run/containerd")  # the shims' sockets: that place is fixed
    shims_were_there = shims.exists()
    namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    script = "umount /sys/fs/cgroup/memory 2>/dev/null; umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\""
    inner = subprocess.Popen(
        ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh", sys.executable, *sys.argv],
        pass_fds=(namespace,), env={**os.environ, _INNER: str(namespace)})
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda sig, _: os.kill(inner.pid, signal.SIGTERM))
    status = None
    while status is None:
        pid, code = os.wait()
        if pid == inner.pid:
            status = os.waitstatus_to_exitcode(code)
    _end_children()
    _remove_files()
    if not shims_were_there:
        shutil.rmtree(shims, ignore_errors=True)
    for folder in sorted(_cgroups() - cgroups, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return status if status >= 0 else 1


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _end_children():
    """Ends what became our child when its parent died; more may come as those end."""
    end = time.monotonic() + 20
    while time.monotonic() < end and (children := _children(os.getpid())):
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.wait()


def _remove_files():
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        if (place := line.split()[4]).startswith(f"{WORK}/"):
            umount(place, lazily=True)
    subprocess.run(["/usr/sbin/userdel", PREFIX], check=False, stderr=subprocess.DEVNULL)
    if WORK.exists() and os.environ.get("HOLDFAST_TEST_KEEP") != "1":
        subprocess.run(["/usr/bin/chattr", "-R", "-f", "-i", WORK], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.rmtree(RUN, ignore_errors=True)


def _cgroups() -> set[str]:
    """The cgroups that container runtimes make: those that come while we run are ours to remove."""
    ours = (PREFIX, "libpod", "docker", "kubepods", "conmon")
    return {folder for folder, _, _ in os.walk("/sys/fs/cgroup") if any(f"/{name}" in folder for name in ours)}
