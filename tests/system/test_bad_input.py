"""Bad input gives one clear line, changes nothing and loses nothing."""

import json
import os
import socket
import sqlite3
import time

import drift
from harness.env import Skip, run, wait_until
from harness.lab import check, equal
from harness.service import CLI

_DROP = [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x")]


def _one_line(result, *words):
    lines = [line for line in result.out.splitlines() if line.strip()]
    equal(len(lines), 1, f"lines ({lines})")
    for word in words:
        check(word in lines[0], f"{word!r} is not in {lines[0]!r}")


def test_bad_policies_are_refused_at_the_start(lab):
    cases = {
        "[Drift]\nMode=prevnt\n": ("bad.policy:2", "Mode", "prevent"),
        "[Drift]\nColour=red\n": ("bad.policy:2", "Colour"),
        "[Drfit]\nMode=prevent\n": ("bad.policy:1", "Drfit"),
        "[Allow x]\nSha256=abc\n": ("bad.policy:2", "Sha256"),
        "[Allow x]\nWriter=bin/sh\n": ("bad.policy:2", "Writer"),
        "[Volume x]\nPath=/data\n": ("bad.policy:1", "Volume"),
        "[Seal]\nWindow=soon\n": ("bad.policy:2", "Window"),
        "[Drift]\nEvidence=5X\n": ("bad.policy:2", "Evidence"),
        "Mode=prevent\n": ("bad.policy:1",),
        "\x00\x01\x02": ("bad.policy:1",),
    }
    for text, words in cases.items():
        service = lab.service(start=False, policies={"bad.policy": text})
        result = service.start_expecting_failure()
        equal(result.status, 2, f"exit status for {text!r} ({result.out.strip()})")
        _one_line(result, *words)
        check(not (service.state / "baseline.db").exists(), "a database was made although the start was refused")
        result = run(CLI, "policy", "check", service.policy_dir / "bad.policy")
        equal(result.status, 2, f"policy check of {text!r} ({result.out.strip()})")


def test_bad_configurations_are_refused_at_the_start(lab):
    for gate, drift_lines, service_lines, words in (
            ("Deadline=soon", "", "", ("Deadline",)), ("OnDeadline=maybe", "", "", ("OnDeadline",)),
            ("", "Mode=on", "", ("Mode",)), ("", "", "Alert=syslog", ("Alert",)), ("", "", "KernelAudit=yes", ("KernelAudit",)),
            ("OnAbsence=wait", "", "", ("OnAbsence",)), ("HashThreads=-1", "", "", ("HashThreads",))):
        service = lab.service(start=False, gate=gate, drift=drift_lines, service=service_lines)
        result = service.start_expecting_failure()
        equal(result.status, 2, f"exit status for {words} ({result.out.strip()})")
        _one_line(result, "holdfast.conf:", *words)


def test_check_config_makes_no_alert_file(lab):
    service = lab.service(start=False)
    command = service.command()
    service.command = lambda: [*command, "--check-config"]
    result = service.start_expecting_failure()  # it ends, which is all that this asks for
    equal((result.status, service.alerts.path.exists()), (0, False), f"exit status, and whether the file exists ({result.out.strip()})")
    service.command = lambda: [*command, "--alert", "file:/nowhere/alerts.json", "--check-config"]
    result = service.start_expecting_failure()
    equal(result.status, 2, f"exit status for a file that cannot be made ({result.out.strip()})")
    _one_line(result, "/nowhere/alerts.json")


def test_bad_command_lines_are_refused(lab):
    service = lab.service(start=False)
    for extra in (["--colour"], ["stray"], ["--alert", "syslog"], ["--config", "/nowhere/holdfast.conf"], ["--state-dir", "relative"]):
        service.sinks, command = [], service.command()
        service.command = lambda command=command, extra=extra: command + extra
        result = service.start_expecting_failure()
        equal(result.status, 2, f"exit status for {extra} ({result.out.strip()})")
        del service.command
        _one_line(result)


def test_reload_of_a_bad_policy_keeps_the_old(lab):
    service = lab.service()
    container = lab.run()
    service.policy("bad.policy", "[Drift]\nMode=of\n")
    result = service.cli("policy", "reload")
    equal(result.status, 2, f"policy reload ({result.out.strip()})")
    service.signal_reload()
    wait_until("the complaint", lambda: [a for a in service.alerts.all() if a["kind"] == "service" and
                                         "bad.policy:2" in a.get("message", "")], 10)
    equal(drift.statuses(container, _DROP), {"/tmp/x": 126}, "the old policy's verdict")


def _database(lab):
    service = lab.service()
    container = lab.run()
    wait_until("capture", lambda: service.baseline_of(container)["state"] == "complete", 20)
    service.stop()
    container.remove()
    return service, service.state / "baseline.db"


def test_newer_database_is_refused_and_left_alone(lab):
    service, database = _database(lab)
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version=9999")
    connection.close()
    before = database.read_bytes()
    result = service.start_expecting_failure()
    equal(result.status, 1, f"exit status ({result.out.strip()})")
    _one_line(result, str(database), "newer")
    equal(database.read_bytes() == before, True, "the database is unchanged")


def test_corrupt_database_is_refused_and_left_alone(lab):
    service, database = _database(lab)
    whole = database.read_bytes()
    for name, corrupt in (("garbage", os.urandom(65536)), ("cut", whole[: len(whole) // 2]),
                          ("damaged", whole[:4096] + b"\xff" * 8192 + whole[12288:]), ("text", b"hello\n" * 1000)):
        database.write_bytes(corrupt)
        for extra in database.parent.glob("baseline.db-*"):
            extra.unlink()
        result = service.start_expecting_failure()
        equal(result.status, 1, f"exit status, {name} ({result.out.strip()})")
        _one_line(result, str(database))
        equal(database.read_bytes() == corrupt, True, f"the {name} database is unchanged")


def _connect(service, timeout=10.0):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout)
    client.connect(str(service.runtime_dir / "control.sock"))
    return client


def _answer(client) -> bytes:
    data = b""
    try:
        while part := client.recv(65536):
            data += part
    except (ConnectionResetError, BrokenPipeError):
        pass
    return data


def test_garbage_on_the_control_socket_is_answered_and_harms_nobody(lab):
    service = lab.service()
    container = lab.run()
    for garbage in (b"\n", b"{}\n", b"\xff\xfe\n", b'{"command":7}\n', b'{"command":"no-such"}\n', b'{"command":"status","x":1}\n',
                    b"[" * 5000 + b"\n", b'{"command":"explain","container":"x"}\n', b'{"command":"status"}garbage\n', os.urandom(4096) + b"\n"):
        with _connect(service) as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            answer = _answer(client)
        check(answer.endswith(b"\n") and json.loads(answer)["ok"] is False, f"{garbage[:40]!r} got {answer[:200]!r}")
    with _connect(service) as client:
        try:
            for _ in range(200):
                client.sendall(b"x" * 65536)
        except OSError:
            pass  # cut off: that is the point
        else:
            check(False, "13 MB without a newline were all taken")
    equal(service.cli("status").status in (0, 1), True, "status afterwards")
    equal(drift.statuses(container, _DROP), {"/tmp/x": 126}, "the gate afterwards")


def test_slow_clients_do_not_keep_others_waiting(lab):
    service = lab.service()
    container = lab.run()
    slow = []
    for _ in range(64):
        try:
            client = _connect(service)
            client.sendall(b'{"command":"sta')
        except OSError:
            continue  # refused: there is a limit
        slow.append(client)
    for _ in range(5):
        begin = time.monotonic()
        result = service.cli("status")
        seconds = time.monotonic() - begin
        check(result.status in (0, 1) and seconds < 1, f"status beside {len(slow)} slow clients took {seconds:.1f} s: {result}")
    equal(drift.statuses(container, _DROP), {"/tmp/x": 126}, "the gate meanwhile")
    for client in slow:
        client.close()


def test_unprivileged_callers_are_told_so(lab):
    service = lab.service()
    if run("id", "nobody").status != 0:
        raise Skip("there is no user nobody")
    result = run("setpriv", "--reuid", "nobody", "--clear-groups", CLI, "status", "--socket",
                 service.runtime_dir / "control.sock")
    equal(result.status, 4, f"exit status ({result.out.strip()})")


def test_without_a_service_the_command_line_says_so(lab):
    service = lab.service(start=False)
    equal(service.cli("status").status, 3, "exit status")


def test_bad_bundles_of_unprivileged_callers_delay_nobody(lab):
    """Whoever executes a runtime has its arguments and files read by the service: they may be anything."""
    runtime = lab.runtime("crun")
    runtime.require()
    service = lab.service()
    container = lab.run()
    bundle = runtime.folder.parent / "bad-bundle"
    bundle.mkdir()
    config = bundle / "config.json"
    texts = {"cut": '{"root":{"path":"', "deep": '{"a":' * 200_000, "huge": '{"root":{"path":"' + "x" * (64 << 20) + '"}}',
             "no root": "{}", "odd types": '{"root":7,"annotations":[1]}', "binary": "\x00\x01" * 1000,
             "far away": '{"root":{"path":"/"}}', "loop": '{"root":{"path":"loop"}}', "fifo": "", "device": "", "folder": ""}
    for name, text in texts.items():
        run("rm", "-rf", config)
        if name == "fifo":
            os.mkfifo(config)
        elif name == "device":
            config.symlink_to("/dev/zero")
        elif name == "folder":
            config.mkdir()
        else:
            config.write_text(text)
        if name == "loop":
            (bundle / "loop").symlink_to("loop")
        result = run("setpriv", "--reuid", "nobody", "--clear-groups", "timeout", "-s", "KILL", "3", "crun", "--root",
                     "/tmp/hftest-nobody", "run", "-b", bundle, f"{name}-x", timeout=20)
        check(result.status != 0, f"crun ran a bundle that is {name}")
        equal(container.exec("/usr/local/bin/tool", timeout=10).out, "tool v1\n", f"image code after a bundle that is {name}")
    run("rm", "-rf", "/tmp/hftest-nobody")
    equal(drift.statuses(container, _DROP), {"/tmp/x": 126}, "the gate afterwards")
    equal(service.containers("id"), [(container.id,)], "containers")
    check(service.memory() < 256 << 20, f"resident memory: {service.memory()} bytes")
