"""A FUSE server that never answers: programs of it are executed, and other containers and the net go on."""

import time

import machine
from harness.env import TestError, wait_until

ROW = "verdict denial of service"
SAYS_PREVENT = "other containers are answered, and what runs past the gate elsewhere is killed as usual"
SAYS_DETECT = "other containers are answered, and what runs past the gate elsewhere is told as usual"
MECHANISM = "gate and net"
CAPABILITIES = ["CAP_SYS_ADMIN"]
DEVICES, NEEDS = machine.FUSE, machine.fuse

# Each hangs whoever executes the program, or looks at it while it runs.
_HANG = r"""
for how in mute-open mute-read mute-stat; do
  mkdir /tmp/$how; /attack/fuse /tmp/$how /attack/linger.bin $how
  for i in 1 2 3; do /tmp/$how/evil hung-$how & done >/dev/null 2>&1
done
"""
_OTHERS = "cp /attack/linger.bin /tmp/evil; chmod 755 /tmp/evil; /tmp/evil judged"
_PAST_THE_GATE = "mkdir /tmp/m; /attack/fuse /tmp/m /attack/linger.bin serve; /tmp/m/evil past"


def attempt(scene):
    other = _other_container(scene)
    scene.container.sh(_HANG)
    time.sleep(1)  # for whoever wants to hang
    begin = time.monotonic()
    if other.exec("/usr/local/bin/tool").out != "tool v1\n":
        raise TestError("image code does not run in another container")
    fresh = scene.lab.run()  # discovery goes on, too
    fresh.sh(_OTHERS)
    other.sh(_OTHERS)
    other.sh(_PAST_THE_GATE)
    took = time.monotonic() - begin
    stops = scene.mode == "prevent"
    for container in (fresh, other):
        scene.service.alerts.wait(container, reason="added", verdict="deny" if stops else "allow")
    scene.service.alerts.wait(other, reason="unmediated", verdict="killed" if stops else "allow")
    if stops and (other.ran("judged") or other.ran("past-TO-THE-END")):
        raise TestError("drift ran in another container")
    wait_until("an answer from the service", lambda: scene.service.cli("status", timeout=10).status in (0, 1))
    if took > 10:
        raise TestError(f"other containers were held up for {took:.1f} s")
    return f"held, others took {took:.1f} s"


def _other_container(scene):
    container = scene.lab.create()
    container.capabilities += CAPABILITIES
    container.devices += DEVICES
    container.start()
    return container
