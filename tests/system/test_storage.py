"""The state directory is full, read-only, or fills up: verdicts go on, everything is told, and what is stored stays."""

import subprocess

import drift
from harness.env import on_host, wait_until
from harness.lab import check, equal

_DRIFT = [("cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x", "/tmp/x"), (":", "/usr/local/bin/tool")]


def _host(script: str):
    argv, options = on_host("/bin/sh", "-c", script)
    subprocess.run([str(word) for word in argv], check=True, stdin=subprocess.DEVNULL, **options)


def _on_tmpfs(lab, service, size="8m"):
    _host(f"mount -t tmpfs -o size={size},mode=700 holdfast-test {service.state}")
    lab.defer(_host, f"umount -l {service.state}")


def _digest(service) -> str:
    argv, options = on_host("/bin/sh", "-c", f"sha256sum {service.state}/baseline.db")
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True, **options).stdout


def test_service_with_a_full_or_read_only_state_directory_protects_and_tells(lab):
    fill, protect = "cat /dev/zero >{0}/fill 2>/dev/null; true", "mount -o remount,ro {0}"
    for trouble, stored in ((fill, False), (protect, False), (protect, True)):
        with lab.scope():
            service = lab.service(start=False)
            _on_tmpfs(lab, service)
            if stored:
                service.start()
                service.stop()
            _host(trouble.format(service.state))
            service.start()
            container = lab.run()
            equal(drift.statuses(container, _DRIFT), {"/tmp/x": 126, "/usr/local/bin/tool": 0}, f"statuses after {trouble}, {stored}")
            told = [a for a in service.alerts.all() if a["kind"] == "service" and a["reason"] == "storage"]
            equal(len(told), 1, f"alerts about it ({trouble}, {stored})")
            check("captured anew" in service.json("status")["storage"], service.json("status")["storage"])
            check("Storage" in service.cli("status").out, "the status for people does not tell")


def test_disk_that_fills_up_costs_no_verdict_and_no_stored_baseline(lab):
    service = lab.service(start=False)
    _on_tmpfs(lab, service)
    service.start()
    container = lab.run()
    wait_until("capture", lambda: service.baseline_of(container)["state"] == "complete", 20)
    equal(service.json("status")["storage"], "ok", "storage")
    _host(f"cat /dev/zero >{service.state}/fill 2>/dev/null; true")
    other = lab.run(image=lab.images.app2)
    equal(drift.statuses(other, [(":", "/usr/local/bin/tool")]), {"/usr/local/bin/tool": 0}, "an image that cannot be stored")
    equal(drift.statuses(container, _DRIFT), {"/tmp/x": 126, "/usr/local/bin/tool": 0}, "statuses")
    wait_until("an alert", lambda: [a for a in service.alerts.all() if a["kind"] == "service" and a["reason"] == "baseline"], 20)
    check(service.json("status")["storage"] != "ok", "the status does not tell")
    stored = service.baseline_of(container)
    service.stop()
    _host(f"rm {service.state}/fill")
    service.start()
    equal(service.baseline_of(container)["captured"], stored["captured"], "the stored baseline")


def test_damaged_or_newer_database_is_refused_and_not_touched(lab):
    service = lab.service()
    container = lab.run()
    wait_until("capture", lambda: service.baseline_of(container)["state"] == "complete", 20)
    service.stop()
    database = service.state / "baseline.db"
    whole = database.read_bytes()
    for damage, word in ((whole[:3000] + bytes(9000) + whole[12000:], "damaged"), (b"\0" * 100 + whole[100:], "damaged"),
                         (whole[:60] + (99).to_bytes(4, "big") + whole[64:], "newer")):
        database.write_bytes(damage)
        before = _digest(service)
        result = service.start_expecting_failure()
        equal(result.status, 1, f"exit status ({result.out.strip()})")
        check(word in result.out, f"what is said of it: {result.out.strip()}")
        equal(_digest(service), before, "the file")
