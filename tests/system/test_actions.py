"""What befalls a whole container after drift in it was denied."""

import os
import re

from harness.env import Skip, run, wait_until
from harness.lab import check, equal

# The first process drifts by itself when it is told to, and heeds SIGTERM.
_FIRST = ["/bin/sh", "-c", "trap 'exit 0' TERM; until [ -e /tmp/go ]; do sleep 0.05; done; cp /attack/payload.bin /tmp/x; "
                           "chmod 755 /tmp/x; /tmp/x; while :; do sleep 0.1; done"]


def _drifting(lab, action: str):
    service = lab.service(drift=f"Mode=prevent\nAction={action}")
    container, bystander = lab.create(argv=_FIRST), lab.run()
    equal(container.start().status, 0, "start")
    first = container.runtime.pid(container)
    container.sh(">/tmp/go")
    service.alerts.wait(container, path="/tmp/x", verdict="deny", reason="added")
    return service, container, bystander, first


def _told(service, container) -> list[str]:
    return [a["message"] for a in service.alerts.all()
            if a["kind"] == "service" and a.get("reason") == "action" and a["container"]["id"] == container.id]


def test_pause_freezes_the_container_and_nobody_else(lab):
    if not os.path.exists("/sys/fs/cgroup/freezer") and not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        raise Skip("this machine has no cgroup hierarchy that can freeze")
    service, container, bystander, first = _drifting(lab, "pause")
    told = wait_until("the alert of the action", lambda: _told(service, container))
    check("was paused" in told[0], f"told {told}")
    command = re.search(r"it goes on with: (.*)$", told[0]).group(1)
    state = command.split("> ")[1]
    lab.defer(run, "/bin/sh", "-c", command)  # nothing that is frozen can be removed
    wait_until("the freezer", lambda: open(state).read().strip() in ("FROZEN", "1"))
    equal(bystander.exec("/usr/local/bin/tool").out, "tool v1\n", "another container")
    equal(len(_told(service, bystander)), 0, "alerts about another container")
    run("/bin/sh", "-c", command, check=True)
    equal(container.exec("/usr/local/bin/tool").out, "tool v1\n", "the container, once it goes on")
    check(os.path.exists(f"/proc/{first}"), "its first process is gone")


def test_stop_ends_the_container_and_nobody_else(lab):
    service, container, bystander, first = _drifting(lab, "stop")
    wait_until("the end of its first process", lambda: not os.path.exists(f"/proc/{first}/exe"))
    check("is being stopped" in wait_until("the alert", lambda: _told(service, container))[0], "not told")
    equal(bystander.exec("/usr/local/bin/tool").out, "tool v1\n", "another container")


def test_a_container_that_cannot_be_paused_is_told_of_once(lab):
    """Without a cgroup that carries its id there is nothing that could be frozen."""
    service = lab.service(drift="Mode=prevent\nAction=pause")
    container = lab.create()
    container.cgroup_manager = "disabled"
    equal(container.start().status, 0, "start")
    container.sh("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x; /tmp/x; cp /tmp/x /tmp/y; /tmp/y")
    told = wait_until("the alert of the action", lambda: [a["message"] for a in service.alerts.all()
                                                        if a.get("reason") == "action"])
    service.alerts.wait(path="/tmp/y", verdict="deny")
    check(len(told) == 1 and "could not be paused, and goes on" in told[0], f"told {told}")
    equal(container.exec("/usr/local/bin/tool").out, "tool v1\n", "the container")
