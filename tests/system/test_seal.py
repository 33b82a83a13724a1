"""[Seal]: what a fresh container writes itself at its start."""

from harness import tools
from harness.env import wait_until
from harness.lab import check, equal

# Writes two programs within the window and executes one of them then; after it the same one again, the other one, one that is
# new, one that was made executable only now, and the first one with other content.
_FIRST = ["/bin/sh", "-c", """
cp /attack/payload.bin /tmp/early; chmod 755 /tmp/early; /tmp/early early
cp /attack/payload.bin /tmp/held; chmod 755 /tmp/held
cp /attack/payload.bin /tmp/chmodded
>/tmp/ready
until [ -e /tmp/go ]; do sleep 0.05; done
/tmp/early again
cp /attack/payload-2.bin /tmp/late; chmod 755 /tmp/late; /tmp/late late
/tmp/held held
chmod 755 /tmp/chmodded; /tmp/chmodded chmodded
cp /attack/payload-2.bin /tmp/early; /tmp/early changed
>/tmp/done
sleep 1000
"""]


# Seconds in which its first lines have run: a few hundred milliseconds, or several seconds while others keep the disk busy.
_LONG_ENOUGH = 10


def _policy(window: str) -> dict[str, str]:
    return {"10-all.policy": f"[Match]\nContainer=hftest-*\n[Drift]\nMode=prevent\n[Seal]\n{window}\n"}


def _told(service) -> list[str]:
    return [a["message"] for a in service.alerts.all() if a["kind"] == "service" and a.get("reason") == "seal"]


def _play(service, container):
    """From the end of the window on, which the summary tells."""
    told = wait_until("the summary", lambda: _told(service), _LONG_ENOUGH + 20)
    check(len(told) == 1 and "1 executables" in told[0] and "/tmp/early" in told[0], f"told {told}")
    container.sh(">/tmp/go")
    wait_until("the end of the first process's script", lambda: (container.upper / "tmp" / "done").exists())
    found = {tag: container.ran(tag) for tag in ("early", "again", "late", "held", "chmodded", "changed")}
    equal(found, {"early": True, "again": True, "late": False, "held": True, "chmodded": False, "changed": False},
          f"what ran, with the alerts {service.alerts.drift(container)}")
    for path in ("/tmp/late", "/tmp/early", "/tmp/chmodded"):
        service.alerts.wait(container, path=path, reason="added", verdict="deny")
    late = wait_until("word of what was pinned later", lambda: _told(service)[1:])
    check(len(late) == 1 and "/tmp/held" in late[0], f"told {late}")


def test_a_fresh_container_is_sealed_when_its_window_is_over(lab):
    service = lab.service(policies=_policy(f"Window={_LONG_ENOUGH}s"))
    container = lab.run(argv=_FIRST)
    _play(service, container)
    rule = next(r for r in service.json("policy", "show", container.id)["policy"]["rules"] if r["kind"] == "seal")
    check(rule["used"] >= 2, f"uses of the seal: {rule}")


def test_a_file_ends_the_window(lab):
    service = lab.service(policies=_policy("Window=1h\nUntil=file:/tmp/ready"))
    _play(service, lab.run(argv=_FIRST))


def test_who_enters_the_container_pins_nothing(lab):
    service = lab.service(policies=_policy("Window=1h"))
    container = lab.run()
    equal(container.sh("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x; /tmp/x").status, 126, "exit status")
    service.alerts.wait(container, path="/tmp/x", reason="added", verdict="deny")


def test_what_somebody_wrote_who_entered_is_not_pinned_though_the_container_executes_it(lab):
    service = lab.service(policies=_policy("Window=1h"))
    container = lab.run(argv=["/bin/sh", "-c", "until [ -e /tmp/go ]; do sleep 0.05; done; /tmp/x entered; >/tmp/done; sleep 1000"])
    equal(container.sh("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x; >/tmp/go").status, 0, "exit status of who entered")
    wait_until("the end of the first process's script", lambda: (container.upper / "tmp" / "done").exists())
    check(not container.ran("entered"), "what was brought in from outside ran")
    service.alerts.wait(container, path="/tmp/x", reason="added", verdict="deny")


def test_what_an_earlier_life_left_behind_is_not_pinned(lab):
    service = lab.service(policies=_policy("Window=1h"))
    container = lab.create(argv=["/bin/sh", "-c", "/tmp/old old; >/tmp/done; sleep 1000"])
    container.plant("/tmp/old", tools.payload())
    container.start()
    wait_until("the end of the first process's script", lambda: (container.upper / "tmp" / "done").exists())
    check(not container.ran("old"), "what was there before the container's first execution ran")
    service.alerts.wait(container, path="/tmp/old", reason="added", verdict="deny")


_PINNED = ["/bin/sh", "-c", """
cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x; /tmp/x first
cp /attack/payload.bin /tmp/y; chmod 755 /tmp/y; /tmp/y first-y
>/tmp/ready
n=0; while :; do n=$((n+1)); until [ -e /tmp/go-$n ]; do sleep 0.05; done; . /tmp/go-$n; >/tmp/done-$n; done
"""]


def _let(container, number: int, script: str):
    """The container's first process itself does that."""
    container.sh(f"cat >/tmp/next <<'END'\n{script}END\nmv /tmp/next /tmp/go-{number}")
    wait_until("the end of it", lambda: (container.upper / "tmp" / f"done-{number}").exists())


def test_changing_what_is_pinned_takes_the_pin_away_even_if_its_content_is_the_same_again(lab):
    service = lab.service(policies=_policy("Window=1h\nUntil=file:/tmp/ready"))
    container = lab.run(argv=_PINNED)
    wait_until("the summary", lambda: _told(service), 20)
    _let(container, 1, "/tmp/x second\n")
    _let(container, 2, "cp /attack/payload.bin /tmp/x; /tmp/x third\n/tmp/y second-y\n")
    found = {tag: container.ran(tag) for tag in ("first", "second", "third", "second-y")}
    equal(found, {"first": True, "second": True, "third": False, "second-y": True}, "what ran")
    service.alerts.wait(container, path="/tmp/x", reason="added", verdict="deny")


def test_pins_are_kept_through_a_restart_of_the_service(lab):
    service = lab.service(policies=_policy("Window=1h\nUntil=file:/tmp/ready"))
    container = lab.run(argv=_PINNED)
    wait_until("the summary", lambda: _told(service), 20)
    _let(container, 1, "/tmp/x first\n")
    service.kill()
    service.start()
    _let(container, 2, "/tmp/x second\ncp /attack/payload.bin /tmp/z; chmod 755 /tmp/z; /tmp/z new\n")
    _let(container, 3, "cp /attack/payload-2.bin /tmp/y; /tmp/y changed\n")
    _let(container, 4, "cp /attack/payload.bin /tmp/x; /tmp/x third\n")
    found = {tag: container.ran(tag) for tag in ("second", "new", "changed", "third")}
    equal(found, {"second": True, "new": False, "changed": False, "third": False}, "what ran")


def test_pins_are_kept_through_a_stop_and_a_start(lab):
    service = lab.service(policies=_policy("Until=file:/tmp/ready"))
    script = "[ -e /tmp/x ] || { cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x; }; /tmp/x $(cat /tmp/tag); >/tmp/ready; sleep 1000"
    container = lab.create(argv=["/bin/sh", "-c", script])
    container.plant("/tmp/tag", b"first", 0o644)
    container.start()
    wait_until("the summary", lambda: _told(service), 20)
    container.stop()
    (container.upper / "tmp" / "tag").write_bytes(b"second")
    (container.upper / "tmp" / "ready").unlink()
    container.start()
    wait_until("the second life", lambda: (container.upper / "tmp" / "ready").exists())
    equal((container.ran("first"), container.ran("second")), (True, True), "what ran")
