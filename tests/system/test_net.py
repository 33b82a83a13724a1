"""The net below the gate: what is executed where the gate cannot ask is found, reported, and in prevent mode killed."""

import itertools
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from harness.env import Skip, on_host, wait_until
from harness.lab import check, equal
from net import HIDDEN, Stamps, with_mounts

_KILLED = 137  # by SIGKILL, as a shell says it


def _status(result) -> int:
    return int(result.out.rsplit("STATUS ", 1)[1].split()[0])


def test_program_on_a_file_system_that_cannot_be_marked_is_killed(lab):
    service = lab.service()
    container = with_mounts(lab)
    stamps = Stamps(container, "page")
    result = container.sh(f"{HIDDEN} /attack/stamp.bin {stamps.path} x; echo STATUS $?")
    equal(_status(result), _KILLED, "its exit status")
    alert = service.alerts.wait(container)[0]
    equal((alert["verdict"], alert["reason"]), ("killed", "unmediated"), "verdict and reason")
    equal(alert["file"]["path"], "/run", "path")
    check(alert["file"]["mount"].startswith("superblock 0:"), alert["file"])
    check("unmediated on \"superblock 0:" in alert["message"], alert["message"])
    check(alert["process"]["cmdline"].startswith("/attack/stamp.bin"), alert["process"])
    check(alert["ancestors"], "no ancestors")
    net = service.json("status")["net"]
    check(net["killed"] >= 1 and net["unmediated"] >= 1 and net["executions"] >= 1, net)
    check(service.metric("holdfast_net_killed_total") >= 1, "the metric")


def test_process_whose_root_refuses_to_be_looked_at_is_killed(lab):
    """FUSE of a user namespace of its own tells the host's root nothing: neither of the program nor of the root directory."""
    if not Path("/dev/fuse").exists():
        raise Skip("this kernel has no FUSE: /dev/fuse is missing")
    service = lab.service()
    container = lab.create("crun")
    container.devices += [("/dev/fuse", 10, 229)]
    equal(container.start().status, 0, "start")
    container.sh("mkdir /tmp/m; unshare -Urm sh -c '/attack/fuse /tmp/m /attack/linger.bin serve; chroot /tmp/m /evil x'")
    service.alerts.wait(container, verdict="killed", reason="unmediated")


def test_short_programs_are_told_in_detect_mode_once_each(lab):
    service = lab.service(drift="Mode=detect")
    container = with_mounts(lab)
    equal(_status(container.sh(f"{HIDDEN} /attack/payload.bin hid; echo STATUS $?")), 0, "exit status")
    check(container.ran("hid"), "detect mode stopped it")
    alert = service.alerts.wait(container)[0]
    equal((alert["verdict"], alert["reason"]), ("allow", "unmediated"), "verdict and reason")
    service.alerts.fence(container)
    equal(len(service.alerts.drift(container, reason="unmediated")), 1, "alerts")


def test_drift_that_the_gate_has_told_is_not_told_again(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    container.sh("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x; for i in $(seq 100); do /tmp/x many; done")
    service.alerts.fence(container)
    found = {(a["reason"], a["verdict"]) for a in service.alerts.drift(container)}
    equal(found, {("added", "allow")}, "what was told")


def test_memory_that_was_filled_before_the_service_started_is_killed(lab):
    """What runs from it already, and what is executed from it later: vm.memfd_noexec comes too late for both."""
    container = lab.create()
    container.plant("/tmp/keep", b"", 0o644)
    container.start()
    now, later = Stamps(container, "now"), Stamps(container, "later")
    container.sh(f"/attack/memrun memfd /attack/stamp.bin {now.path} x >/dev/null 2>&1 & sleep 0.1; "
                 "mkfifo /tmp/go; (sleep 100 >/tmp/go & exec /attack/memrun wait /attack/stamp.bin "
                 f"{later.path} y </tmp/go >/tmp/said 2>&1) >/dev/null 2>&1 & sleep 0.5")
    check(now.read()[0] > 0, "the program does not even run without the service")
    service = lab.service()
    found = service.alerts.wait(container, reason="fileless")
    equal(found[0]["verdict"], "killed", "what runs from memory when the service starts")
    container.sh("echo >/tmp/go")
    service.alerts.wait(container, number=2, reason="fileless", verdict="killed")


def test_memory_is_told_in_detect_mode(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    equal(_status(container.sh("/attack/memrun memfd /attack/payload.bin mem; echo STATUS $?")), 0, "exit status")
    alert = service.alerts.wait(container)[0]
    equal((alert["verdict"], alert["reason"], alert["file"]["layer"]), ("allow", "fileless", "memfd"), "what was told")


def test_action_kill_ends_the_process_group_and_nobody_else(lab):
    service = lab.service(drift="Mode=prevent\nAction=kill")
    container = with_mounts(lab)
    # setsid makes a group of its own: the shell that asks stays alive.
    script = "setsid sh -c 'sleep 1000 & echo $! >/tmp/{0}; {1} x; sleep 1000' & sleep 1; " \
             "grep -q 'State:.[RSD]' /proc/$(cat /tmp/{0})/status && echo ALIVE; echo SHELL"
    container.sh("cp /attack/payload.bin /tmp/denied; chmod 755 /tmp/denied")
    stamps = Stamps(container, "page")
    for name, program in (("killed", f"{HIDDEN} /attack/stamp.bin {stamps.path}"), ("refused", "/tmp/denied")):
        out = container.sh(script.format(name, program)).out
        check("SHELL" in out and "ALIVE" not in out, f"{name}: {out}")
    equal({a["verdict"] for a in service.alerts.drift(container)}, {"killed", "deny"}, "verdicts")


def test_image_code_and_entries_from_the_host_are_silent(lab):
    service = lab.service()
    container = with_mounts(lab)
    check("tool v1" in container.sh("unshare -m /usr/local/bin/tool").out, "image code behind unshare -m")
    check("tool v1" in container.sh("mkdir /tmp/b; mount -o bind /usr/local/bin /tmp/b; /tmp/b/tool").out, "a bind mount")
    for _ in range(20):
        equal(container.exec("/usr/local/bin/tool").status, 0, "an entry by the runtime")
    pid = container.runtime.pid(container)
    for options in (["-m"], ["-m", "-p"], ["-a"]):
        command, extra = on_host("nsenter", "-t", str(pid), *options, "/usr/local/bin/tool")
        for _ in range(20):
            done = subprocess.run(command, capture_output=True, timeout=30, check=False, **extra)
            equal(done.returncode, 0, f"nsenter {options}: {done.stderr}")
    service.alerts.expect_none(container)


# linux/netlink.h, linux/connector.h and linux/cn_proc.h: the kernel's own messages have two headers before the event.
_CONNECTOR, _PROCESS_EVENTS, _EVENT_AT, _FORK, _EXEC = 11, 1, 16 + 20, 1, 2


def _drops() -> dict[str, int]:
    """Of each socket that listens to process events, in the host's network namespace."""
    rows = [line.split() for line in Path("/proc/net/netlink").read_text().splitlines()[1:]]
    return {row[9]: int(row[8]) for row in rows if int(row[1]) == _CONNECTOR and int(row[3], 16) & _PROCESS_EVENTS}


def _fill(sockets: dict[str, int]):
    """Until the kernel drops process events for each of them; nobody reads them meanwhile. What fills them are messages of our
    own: the sockets' filters look at what they say happened and on which processor, not at who sent them."""
    end = time.monotonic() + 60
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _CONNECTOR) as sender:
        while any(_drops()[one] == drops for one, drops in sockets.items()):
            check(time.monotonic() < end, f"no events were dropped: {sockets} before, now {_drops()}")
            for what, processor in itertools.product((_FORK, _EXEC), range(256)):
                event = struct.pack("=II", what, processor)
                sender.sendto((bytes(_EVENT_AT) + event).ljust(60000, b"\0"), (0, _PROCESS_EVENTS))


def test_lost_process_events_are_told_and_made_good(lab):
    service = lab.service(drift="Mode=detect")
    container = with_mounts(lab)
    stamps = Stamps(container, "page")
    container.sh(f"mkfifo /tmp/go; (read x </tmp/go; exec {HIDDEN} /attack/stamp.bin {stamps.path} x) >/dev/null 2>&1 &")
    go = Path(f"/proc/{container.runtime.pid(container)}/root/tmp/go")
    pid = service.process.pid
    # Whatever becomes of this test: a runtime that is executed waits for the stopped service.
    wake = subprocess.Popen(["/bin/sh", "-c", f"sleep 120; kill -CONT {pid}"])
    os.kill(pid, signal.SIGSTOP)
    try:
        _fill(_drops())
        go.write_text("x\n")
        wait_until("the hidden program", lambda: stamps.read()[0] > 0)
    finally:
        os.kill(pid, signal.SIGCONT)
        wake.kill()
        wake.wait()
    told = wait_until("the exposure's alert", lambda: [
        a for a in service.alerts.all() if a["kind"] == "exposure" and a["reason"] == "process-events"], 20)
    equal(len(told), 1, "exposure alerts")
    check(service.json("status")["net"]["events_lost"] >= 1, "not counted")
    exposures = next(c for c in service.json("containers")["containers"] if c["id"] == container.id)["exposures"]
    check(any("lost" in e["why"] and "until" in e for e in exposures), exposures)
    service.alerts.wait(container, reason="unmediated", path="/run")
