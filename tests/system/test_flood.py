"""Floods of drift: what is the same is folded, what differs is told each, and what is lost is counted."""

import re
import threading

from harness.lab import check, equal

_ATTEMPTS = 10_000
_MOST_ALERTS = 12  # the first, and one for each ten seconds that they take


def _of(service, container) -> list[dict]:
    """All alerts of the container, once the service has written what it still had."""
    service.stop()
    return service.alerts.drift(container)


def _attempts(alerts: list[dict]) -> int:
    """How many attempts they stand for: one each, or those that are folded into it."""
    return sum(alert["repeats"] or 1 for alert in alerts)


def _brief(alerts: list[dict]) -> list[str]:
    return [f"{a['file']['path']}: {a['reason']} at {a['time']}, repeats {a['repeats']}" for a in alerts]


def test_ten_thousand_identical_attempts_are_a_handful_of_alerts_that_add_up(lab):
    service, container = lab.service(), lab.run()
    container.sh("cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil")
    out = container.exec("/attack/execloop", f"{_ATTEMPTS}x", 1, "/tmp/evil", timeout=120).out
    check(f"ran=0 denied={_ATTEMPTS} other=0" in out, out)
    alerts = _of(service, container)
    equal(_attempts(alerts), _ATTEMPTS, "attempts that the alerts stand for")
    check(len(alerts) <= _MOST_ALERTS, f"{len(alerts)} alerts are no handful")
    equal(alerts[0]["repeats"], 0, "repeats of the first alert, which comes at once")
    equal({(a["verdict"], a["file"]["path"]) for a in alerts}, {("deny", "/tmp/evil")}, "what they are about")
    return f"{len(alerts)} alerts, repeats {[a['repeats'] for a in alerts]}"


def test_ten_thousand_different_attempts_are_told_each_or_counted_as_lost(lab):
    service, container = lab.service(), lab.run()
    out = container.exec("/attack/manyfiles", _ATTEMPTS, "/attack/payload.bin", "/tmp", timeout=120).out.strip()
    check(out.endswith(f"ran=0 denied={_ATTEMPTS} other=0"), out[-200:])
    alerts = _of(service, container)
    equal(len({a["file"]["path"] for a in alerts}), len(alerts), "files that the alerts name")
    told = [a["message"] for a in service.alerts.all() if a["kind"] == "service" and a["reason"] == "alerts-lost"]
    lost = sum(int(re.match(r"(\d+) alerts? (?:was|were) lost", message).group(1)) for message in told)
    equal(_attempts(alerts) + lost, _ATTEMPTS, "attempts that were told or counted as lost")
    return f"{len(alerts)} alerts, {lost} lost"


def test_storm_in_detect_mode_costs_another_container_no_alert(lab):
    service = lab.service(start=False, drift="Mode=detect")
    service.prefix = ["prlimit", "--nofile=4096:4096"]  # little room, which a storm can fill
    service.start()
    noisy, quiet = lab.run(), lab.run()
    noisy.sh("cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil")
    said = []
    storm = threading.Thread(target=lambda: said.append(noisy.exec("/attack/execloop", 200_000, 100, "/tmp/evil", timeout=240).out))
    storm.start()
    files, lost = [], 0
    while storm.is_alive() and (len(files) < 20 or not lost):
        files.append(f"/tmp/quiet-{len(files)}")
        result = quiet.sh(f"cp /attack/payload-2.bin {files[-1]}; chmod 755 {files[-1]}; {files[-1]} quiet")
        check(result.status == 0, f"{files[-1]} did not run: {result}")
        lost = int(service.metric("holdfast_notifications_lost_total"))
    check(storm.is_alive(), f"the storm was over: {len(files)} files of the quiet container, {lost} executions of the storm not judged")
    noisy.sh("touch /tmp/stop")
    storm.join()
    equal(int(service.metric("holdfast_kernel_denied_total")), 0, "executions that the kernel denied, for want of descriptors")
    alerts = _of(service, quiet)
    check(sorted(a["file"]["path"] for a in alerts) == sorted(files), f"the quiet container's {len(files)} files are told as {_brief(alerts)}")
    ran, told = int(re.search(r"ran=(\d+)", said[0]).group(1)), _attempts(service.alerts.drift(noisy))
    check(told <= ran, f"{told} executions of the storm are told, of {ran}")
    return f"{lost} executions of the storm not judged, {len(files)} of the quiet container's told"
