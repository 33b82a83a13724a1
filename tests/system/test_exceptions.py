"""Exceptions that stay narrow: by who executes a file, and by the image that its content comes from."""

import drift
from harness import tools
from harness.env import wait_until
from harness.lab import check, equal

_DROP = "cp /attack/payload.bin {0}; chmod 755 {0}"


def _by(program: str, path: str) -> str:
    """Shell that lets an image program execute `path`; what it says shows whether that ran."""
    return f"/attack/{program} 300 1 {path} >/tmp/said; grep -q 'denied=0' /tmp/said && grep -q 'ran=[1-9]' /tmp/said"


def _ran(container, script: str) -> bool:
    return container.sh(script).status == 0


def test_parent_excepts_what_that_program_executes(lab):
    service = lab.service(policies={"10-all.policy": """[Drift]
Mode=prevent
[Allow updater]
Path=/tmp/*
Parent=/attack/execloop
[Allow idle]
Path=/nowhere
"""})
    container = lab.run()
    container.sh(_DROP.format("/tmp/x") + "; " + _DROP.format("/opt/x"))
    check(_ran(container, _by("execloop", "/tmp/x")), "the excepted program could not execute it")
    equal(drift.statuses(container, [(":", "/tmp/x")]), {"/tmp/x": 126}, "exit status of the same file, executed by a shell")
    check(not _ran(container, _by("execloop", "/opt/x")), "the exception's other key, Path, was not asked for")
    service.alerts.wait(container, path="/tmp/x", verdict="deny", reason="added")
    rules = service.json("policy", "show", container.id)["policy"]["rules"]
    used = {rule["name"]: rule["used"] for rule in rules}
    check(used["updater"] > 0 and used["idle"] == 0, f"uses: {used}")
    shown = service.cli("policy", "show", container.id).out
    check("never since" in shown and "executed by /attack/execloop" in shown, shown)
    listed = next(p for p in service.json("policy", "list")["policies"] if p["name"] == "10-all.policy")
    equal((listed["unused"], listed["expired"]), (["idle"], []), "what policy list calls unused and expired")


def test_parent_in_detect_mode(lab):
    service = lab.service(policies={"10-all.policy":
                                    "[Drift]\nMode=detect\n[Allow updater]\nPath=/tmp/*\nParent=/attack/execloop\n"})
    container = lab.run()
    # The parent process must still be there when somebody looks.
    container.sh("cp /attack/linger.bin /tmp/x; chmod 755 /tmp/x; " + _DROP.format("/tmp/y"))
    check(_ran(container, _by("execloop", "/tmp/x")), "it did not run")
    container.sh("/tmp/y; :")
    service.alerts.wait(container, path="/tmp/y", verdict="allow")
    service.alerts.expect_none(container, path="/tmp/x")


def test_image_excepts_the_programs_of_another_image(lab):
    """As an init container leaves them behind; it has ended by then."""
    podman = lab.runtime("podman-crun")
    podman.require()
    service = lab.service(policies={"10-app.policy": """[Match]
Runtime=crun
Container=hftest-crun-*
[Drift]
Mode=prevent
[Allow tools]
Path=/tmp/*
Image=*/hftest-app:2
"""})
    init = podman.run(image=lab.images.app2)
    wait_until("the init image's baseline", lambda: service.baseline_of(init)["state"] == "complete")
    init.remove()
    container = lab.create()
    container.plant("/tmp/only", tools.text_tool("only v2"))
    container.plant("/tmp/changed", tools.text_tool("only v2") + b"x")
    container.plant("/opt/only", tools.text_tool("only v2"))
    container.start()
    found = drift.statuses(container, [(":", "/tmp/only"), (":", "/tmp/changed"), (":", "/opt/only"),
                                       (_DROP.format("/tmp/payload"), "/tmp/payload")])
    equal(found, {"/tmp/only": 0, "/tmp/changed": 126, "/opt/only": 126, "/tmp/payload": 126}, "exit statuses")
    steps = service.json("explain", container.id, "/tmp/only")["steps"]
    check(any("hftest-app:2" in step for step in steps), f"explain does not name the image: {steps}")


def test_writer_excepts_what_that_program_wrote(lab):
    """busybox is cp, sh and all: another program of the image writes the file that is not excepted."""
    lab.service(policies={"10-all.policy": "[Drift]\nMode=prevent\n[Allow updater]\nPath=/tmp/*\nWriter=/bin/busybox\n"})
    container = lab.run()
    script = "cat /attack/payload.bin >/tmp/new; chmod 755 /tmp/new; cat /attack/payload.bin >/tmp/written; "
    container.sh("cp /attack/stamp.bin /tmp/written; chmod 755 /tmp/written; " + script)
    found = drift.statuses(container, [(":", "/tmp/written")])
    equal(found, {"/tmp/written": 0}, "exit status of what the excepted program wrote")
    container.sh("cp /opt/chameleon-0 /tmp/flipped; /attack/flip /tmp/flipped")
    equal(drift.statuses(container, [(":", "/tmp/flipped")]), {"/tmp/flipped": 126}, "exit status of what another wrote")
