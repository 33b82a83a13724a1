"""Alerts in a real journal, and `holdfast alerts` that reads them back."""

import json
import re
import shutil
import signal
import socket
from pathlib import Path

import drift
from harness import latency, schema
from harness.env import SOURCE, STAGE, WORK, Skip, TestError, run, spawn, stop_process, wait_until
from harness.lab import check, equal
from harness.service import CLI
from harness.terminal import Screen

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
        self.service = lab.service(drift="Mode=prevent\nEvidence=1M", alerts=("journald",))
        self.container = lab.run()
        drift.drift(self.container)
        self.service.alerts.wait(self.container, number=1, path="/tmp/added")

    def entries(self) -> list[dict]:
        run("journalctl", "--sync", timeout=10)
        out = run("journalctl", "-D", _FOLDER, "-o", "json", "--no-pager", "-t", "holdfastd", timeout=20).out
        found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        for entry in found:
            schema.check_journal(entry)
        return found

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


def _explained(*matches: str) -> str:
    """What `journalctl -x` says, with the catalog that is installed and no other: its database is at a fixed place."""
    root = WORK / "catalog-root"
    database, source = root / "var/lib/systemd/catalog", root / "usr/lib/systemd/catalog"
    if not root.exists():
        database.mkdir(parents=True)
        source.mkdir(parents=True)
        shutil.copy(STAGE / "usr/lib/systemd/catalog/holdfast.catalog", source)
        run("journalctl", "--update-catalog", "--root", root, check=True)
    script = 'mount --bind "$0" /var/lib/systemd/catalog && exec journalctl -x --no-pager "$@"'
    return run("unshare", "--mount", "sh", "-c", script, database, "-D", _FOLDER, *matches, check=True).out


def test_catalog_explains_an_alert_by_its_reason(shared):
    entry = wait_until("the entry", lambda: _about(shared, "/tmp/added"), 15)[0]
    told = _explained("HOLDFAST_FILE_PATH=/tmp/added")
    for name in ("REASON", "VERDICT", "POLICY", "MODE", "ADVICE_MEANING", "ADVICE_CHECK", "ADVICE_ACTION"):
        check(entry[f"HOLDFAST_{name}"] in told, f"{name} is not in: {told}")
    other = _explained("HOLDFAST_FILE_PATH=/opt/data.bin")
    check("as data" in other, f"the advice for made-executable: {other}")
    check("HOLDFAST_" not in told + other, f"a field was not filled in: {told}")


def test_catalog_explains_every_kind_that_the_service_sends(shared):
    ids = {entry["MESSAGE_ID"] for entry in shared.entries() if "HOLDFAST_KIND" in entry}
    in_code = set(re.findall(r'"([0-9a-f]{32})"', (SOURCE / "src/alert/journal_fields.cpp").read_text()))
    _explained("-n1")
    listed = run("journalctl", "--list-catalog", "--root", WORK / "catalog-root", check=True).out
    equal(set(re.findall(r"^[0-9a-f]{32}", listed, re.M)), in_code, "ids with a text, and ids in the code")
    check(ids and ids <= in_code, f"ids in the journal: {ids}")


def test_alerts_command_reads_the_journal(shared):
    wait_until("the entries", lambda: len(_about(shared, "/opt/data.bin")) == 1, 15)
    result = shared.service.cli("alerts", "--journal", str(_FOLDER), "--json")
    check(result.status in (0, 1), f"alerts: {result}")
    alerts = [json.loads(line) for line in result.out.splitlines()]
    paths = {alert["file"]["path"] for alert in alerts if alert["kind"] == "drift"}
    equal(paths, {step.path for step in drift.STEPS}, "paths")
    kept = shared.service.cli("alerts", "--journal", str(_FOLDER), "--evidence", "--container", shared.container.id)
    copy = next(a["file"]["evidence"] for a in alerts if a.get("file", {}).get("path") == "/tmp/added")
    check(copy in kept.out and len(kept.out.splitlines()) == 2 * len(drift.STEPS), f"alerts --evidence: {kept}")
    mine = shared.service.cli("alerts", "--journal", str(_FOLDER), "--container", shared.container.id)
    check("/tmp/added" in mine.out, f"{mine}")
    other = shared.service.cli("alerts", "--journal", str(_FOLDER), "--container", "no-such-container", "--json")
    equal([line for line in other.out.splitlines() if '"kind"' in line], [], "alerts of a container that is not")


def test_exceptions_are_suggested_and_replayed_from_the_journal(shared):
    wait_until("the entries", lambda: len(_about(shared, "/opt/data.bin")) == 1, 15)
    suggested = shared.service.cli("policy", "suggest", shared.container.id, "--journal", str(_FOLDER))
    equal((suggested.status, suggested.out.count("\n[Allow ")), (0, len(drift.STEPS)), f"policy suggest: {suggested}")
    policy, lines = shared.service.folder / "50-new.policy", shared.service.folder / "journal.jsonl"
    policy.write_text("[Drift]\nMode=prevent\n" + suggested.out)
    lines.write_text("\n".join(json.dumps(entry) for entry in shared.entries()))
    result = shared.service.cli("policy", "replay", "--alerts", lines, policy, "--json")
    totals = json.loads(result.out)["totals"]
    equal((result.status, totals["run"], totals["attempts"]), (0, len(drift.STEPS), len(drift.STEPS)), f"policy replay: {totals}")
    override = shared.service.cli("mode", shared.container.id, "detect", "--for", "1m", "--reason", "ticket 4711")
    equal(override.status, 0, f"mode: {override}")
    told = wait_until("the override's entry", lambda: [e for e in shared.entries() if e.get("HOLDFAST_KIND") == "override"], 15)[0]
    wanted = {"PRIORITY": "5", "HOLDFAST_REASON": "began", "HOLDFAST_MODE": "detect", "HOLDFAST_PROCESS_UID": "0"}
    equal({key: told.get(key) for key in wanted}, wanted, "the override's fields")
    shared.service.cli("mode", shared.container.id, "--end")


def _screen(shared, *options, columns=100, env=None):
    return Screen(CLI, "alerts", "--journal", _FOLDER, "--container", shared.container.id, *options, columns=columns, env=env)


def test_alerts_on_a_terminal_are_laid_out_for_people(shared):
    _about(shared, "/tmp/added")
    screen = _screen(shared, env={"TZ": "UTC"}).read()
    screen.close()
    check("\x1b[31mDENIED" in screen.text, f"no colour: {screen.text[:300]!r}")
    check(re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  DENIED added in hftest-\S+.*, (\d+[hms] ?)+ ago$", screen.plain, re.M), screen.plain[:400])
    check("\n    /tmp/added\n    tried by    /bin/busybox (pid " in screen.plain, f"file and process: {screen.plain[:600]}")
    equal(screen.plain.count("the image has no such file"), 1, "how often the advice for `added` is given")
    plain = _screen(shared, env={"NO_COLOR": "1"}).read()
    plain.close()
    check("\x1b[" not in plain.text and "DENIED added" in plain.text, f"NO_COLOR: {plain.text[:300]!r}")


def test_alerts_on_a_narrow_terminal_still_fit(shared):
    paths = {f"    {step.path}" for step in drift.STEPS}
    screen = _screen(shared, columns=40).read()
    screen.close()
    long = [line for line in screen.plain.split("\n") if len(line) > 40 and line not in paths]
    check(not long and "DENIED" in screen.plain, f"longer than 40 columns: {long}")


def test_alerts_follow_shows_what_comes(shared):
    screen = _screen(shared, "--follow")
    try:
        screen.read(until="DENIED")
        shared.container.sh("cp /attack/payload.bin /tmp/while-you-look; chmod 755 /tmp/while-you-look; /tmp/while-you-look")
        screen.read(until="    /tmp/while-you-look\n")
    finally:
        screen.close()


_ROUNDS, _MOST_ROUNDS, _EXECUTIONS, _BACKLOG = 12, 48, 200, 60
_MOST = 1.2  # times the usual p99


def _p99(container) -> int:
    result = container.exec("/attack/exectime", _EXECUTIONS, "/usr/local/bin/only-1", timeout=60)
    equal(result.status, 0, f"exit status of executions that are allowed ({result.out[-200:]})")
    return latency.p99([int(line) for line in result.out.split()])


def _waiting(shared) -> int:
    return int(shared.service.metric("holdfast_alerts_waiting"))


class _StoppedJournal:
    """journald takes nothing, and alerts wait for it; `denied` of them came meanwhile."""

    def __init__(self, shared, container, files: int, folder: str):
        self.shared, self.container, self.files, self.folder, self.denied = shared, container, files, folder, 0

    def __enter__(self):
        self.shared.process.send_signal(signal.SIGSTOP)
        try:
            made = self.container.sh(f"mkdir {self.folder}; /attack/manyfiles {self.files} /attack/payload.bin {self.folder}", timeout=60)
            self.denied = int(re.search(r"denied=(\d+)", made.out).group(1))
            wait_until("a journal that is full", lambda: _waiting(self.shared) > 0, 5)
        except BaseException:
            self.shared.process.send_signal(signal.SIGCONT)
            raise
        return self

    def __exit__(self, *_):
        self.shared.process.send_signal(signal.SIGCONT)


def test_answers_never_wait_for_a_journal_that_takes_nothing(shared):
    container, denied = shared.container, []

    def both() -> tuple[int, int]:
        wait_until("an empty queue", lambda: _waiting(shared) == 0, 60)
        usual = _p99(container)
        with _StoppedJournal(shared, container, _BACKLOG + 600 * (not denied), f"/tmp/backlog-{len(denied)}") as journal:
            denied.append(journal.denied)
            stopped = _p99(container)
            check(_waiting(shared) > 0, "the journal took all alerts although it was stopped")
        return usual, stopped

    pairs = latency.compare(both, lambda pairs: pairs.ratio > _MOST, _ROUNDS, _MOST_ROUNDS)
    wait_until("the alerts", lambda: _waiting(shared) == 0, 60)
    came = wait_until("the entries", lambda: len(e := [e for e in shared.entries() if "/backlog-" in e.get("HOLDFAST_FILE_PATH", "")]) >= sum(denied) and e, 60)
    equal(len(came), sum(denied), "entries of what was denied while the journal was stopped")
    line = f"journald stopped: {pairs}; {sum(denied)} alerts came late"
    if pairs.at_least > _MOST:
        raise TestError(line)
    if pairs.ratio > _MOST:
        raise Skip(f"the machine is too noisy to tell: {line}")
    return line


def _recipes() -> list[str]:
    """The shell lines of holdfast-alerts(7)."""
    page = (SOURCE / "man" / "holdfast-alerts.7").read_text()
    examples = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.M | re.S)
    return [text.removeprefix("$ ").replace("\\e", "\\").strip() for text in examples if text.startswith("$ journalctl")]


def test_recipes_of_the_manual_work(shared):
    _about(shared, "/tmp/added")
    recipes = _recipes()
    check(len(recipes) >= 6, f"recipes: {recipes}")
    for recipe in recipes:
        here = recipe.replace("-D /var/log/journal/remote ", "").replace("journalctl ", f"journalctl --no-pager -D {_FOLDER} ")
        here = here.replace("HOLDFAST_CONTAINER_NAME=web-1", f"HOLDFAST_CONTAINER_ID={shared.container.id}")
        said = run("sh", "-c", here)
        check(said.status == 0, f"{recipe}: {said}")
        # An empty answer is right only where a healthy service has nothing to say.
        check("/tmp/added" in said.out or "opt/data.bin" in said.out or "kind=service" in recipe.lower() or "-n 1" in recipe, f"{recipe}: {said}")


# --- a fleet -----------------------------------------------------------------------------------------------------

_UPLOAD, _REMOTE = Path("/lib/systemd/systemd-journal-upload"), Path("/lib/systemd/systemd-journal-remote")
_OTHER_HOST = """__REALTIME_TIMESTAMP=1795378453000123
__MONOTONIC_TIMESTAMP=1000
_BOOT_ID=0123456789abcdef0123456789abcdef
_MACHINE_ID=0123456789abcdef0123456789abcdef
_UID=0
_HOSTNAME=hftest-other-host
SYSLOG_IDENTIFIER=holdfastd
MESSAGE=denied /tmp/there in web-1: added
HOLDFAST_KIND=drift
HOLDFAST_VERDICT=deny
HOLDFAST_FILE_PATH=/tmp/there

"""


def _configured(name: str, url: str | None) -> Path:
    """The example from conf/, for the loopback and without TLS: the one thing that a test cannot have."""
    lines = (SOURCE / "conf" / name).read_text().splitlines()
    kept = [line for line in lines if "File=" not in line]
    out = WORK / name
    out.write_text("\n".join(f"URL={url}" if line.startswith("URL=") else line for line in kept) + "\n")
    return out


def _with_config(config: Path, name: str, *argv) -> list:
    script = 'mkdir -p "$1" && mount -t tmpfs none "$1" && cp "$0" "$1/holdfast.conf" && shift && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, config, f"/run/systemd/{name}.d", *argv]


def test_a_fleets_alerts_are_read_with_one_journalctl(shared):
    if not (_UPLOAD.exists() and _REMOTE.exists()):
        raise Skip("systemd-journal-remote is not installed")
    _about(shared, "/tmp/added")
    other, collected = WORK / "other-host", WORK / "collected"
    other.mkdir()
    collected.mkdir()
    (WORK / "export").write_text(_OTHER_HOST)
    run(_REMOTE, "--output", other / "system.journal", WORK / "export", check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    remote = spawn(*_with_config(_configured("journal-remote.conf", None), "journal-remote.conf", _REMOTE,
                                 f"--listen-http={address}", "--output", collected), log=WORK / "remote.log")
    try:
        wait_until("the collector", lambda: _listens(address))
        config = _configured("journal-upload.conf", f"http://{address}")
        for number, journal in enumerate((_FOLDER, other)):
            run(*_with_config(config, "journal-upload.conf", _UPLOAD, "-D", journal, f"--save-state={WORK}/uploaded-{number}",
                              "--follow=no"), check=True, timeout=60)
    finally:
        stop_process(remote)
    fleet = ["journalctl", "-D", collected, "--no-pager", "-o", "json", "_UID=0", "SYSLOG_IDENTIFIER=holdfastd", "HOLDFAST_KIND=drift"]
    entries = [json.loads(line) for line in run(*fleet, check=True).out.splitlines()]
    hosts = {entry["HOLDFAST_FILE_PATH"]: entry["_HOSTNAME"] for entry in entries}
    equal((hosts.get("/tmp/there"), hosts.get("/tmp/added")), ("hftest-other-host", socket.gethostname()), "hosts of two alerts")
    told = shared.service.cli("alerts", "--journal", str(collected)).out
    check("/tmp/there" in told and "/tmp/added" in told, f"holdfast alerts of the fleet: {told[:400]}")


def _listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
