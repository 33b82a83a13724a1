"""Alerts in a real journal, and `holdfast alerts` that reads them back."""

import json
import shutil
from pathlib import Path

import drift
from harness.env import WORK, Skip, run, spawn, stop_process, wait_until
from harness.lab import check, equal

_JOURNALD = Path("/lib/systemd/systemd-journald")
_SOCKETS, _FOLDER = Path("/run/systemd/journal"), Path("/run/log/journal")
_CONFIG = Path("/run/systemd/journald.conf.d/hftest.conf")


class Shared:
    """systemd-journald as a plain process, where no other runs."""

    def __init__(self, lab):
        if not _JOURNALD.exists():
            raise Skip("systemd-journald is not installed")
        if _SOCKETS.exists():
            raise Skip(f"{_SOCKETS} is there: another journald's")
        _SOCKETS.mkdir(parents=True)
        _CONFIG.parent.mkdir(parents=True, exist_ok=True)
        _CONFIG.write_text("[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\nForwardToWall=no\n"
                           "RateLimitIntervalSec=0\n")
        self.process = spawn(_JOURNALD, log=WORK / "journald.log")
        wait_until("journald", lambda: (_SOCKETS / "socket").exists())
        self.service = lab.service(alerts=("journald",))
        self.container = lab.run()
        drift.drift(self.container)
        self.service.alerts.wait(self.container, number=1, path="/tmp/added")

    def entries(self) -> list[dict]:
        run("journalctl", "--sync", timeout=10)
        out = run("journalctl", "-D", _FOLDER, "-o", "json", "--no-pager", "-t", "holdfastd", timeout=20).out
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def close(self):
        stop_process(self.process)
        shutil.rmtree(_SOCKETS, ignore_errors=True)
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _CONFIG.unlink(missing_ok=True)


def _about(shared, path):
    return [e for e in shared.entries() if e.get("HOLDFAST_FILE_PATH") == path]


def test_journal_entry_says_it_to_people_and_to_programs(shared):
    entry = wait_until("the entry", lambda: _about(shared, "/tmp/added"), 15)[0]
    wanted = {"PRIORITY": "4", "SYSLOG_IDENTIFIER": "holdfastd", "HOLDFAST_KIND": "drift", "HOLDFAST_VERDICT": "deny",
              "HOLDFAST_REASON": "added", "HOLDFAST_MODE": "prevent", "HOLDFAST_CONTAINER_ID": shared.container.id}
    equal({key: entry.get(key) for key in wanted}, wanted, "fields")
    check(entry["MESSAGE"].startswith("denied /tmp/added in "), f"MESSAGE {entry['MESSAGE']!r}")
    check(len(entry.get("MESSAGE_ID", "")) == 32, "MESSAGE_ID")
    check(len(entry.get("HOLDFAST_FILE_SHA256", "")) == 64, f"HOLDFAST_FILE_SHA256 {entry.get('HOLDFAST_FILE_SHA256')}")


def test_alerts_command_reads_the_journal(shared):
    wait_until("the entries", lambda: len(_about(shared, "/opt/data.bin")) == 1, 15)
    result = shared.service.cli("alerts", "--journal", str(_FOLDER), "--json")
    check(result.status in (0, 1), f"alerts: {result}")
    alerts = [json.loads(line) for line in result.out.splitlines()]
    paths = {alert["file"]["path"] for alert in alerts if alert["kind"] == "drift"}
    equal(paths, {step.path for step in drift.STEPS}, "paths")
    mine = shared.service.cli("alerts", "--journal", str(_FOLDER), "--container", shared.container.id)
    check("/tmp/added" in mine.out, f"{mine}")
    other = shared.service.cli("alerts", "--journal", str(_FOLDER), "--container", "no-such-container", "--json")
    equal([line for line in other.out.splitlines() if '"kind"' in line], [], "alerts of a container that is not")
