"""The service is killed, restarted, upgraded, hung and kept away, by and under the real systemd."""

import os
import signal
import time
from pathlib import Path

from machine import (CONF, POLICY, Load, Loop, alerts, check, holdfast, is_active, kept_descriptors, kill_and_wait, main_pid, run,
                     said_by, unit, until)

RESTARTS = 10
DROP_IN = Path("/run/systemd/system/holdfast.service.d/away.conf")
AWAY = Path("/run/hfvm.away")
PATIENCE, WATCHDOG = 10, 30  # seconds; absence.h and the unit


def helper() -> int:
    return int(unit("MainPID", "holdfast-release.service"))


def entrusted(pid: int) -> bool:
    return any(os.readlink(link) == "anon_inode:[fanotify]" for link in Path(f"/proc/{pid}/fd").iterdir())


def has_the_group():
    until("holdfast-release to have the group", lambda: helper() and entrusted(helper()), 20)


def descriptors_are_kept_by_systemd():
    check(unit("FileDescriptorStoreMax") == "8", "the unit keeps none")
    check(kept_descriptors() == 2, f"{kept_descriptors()} are kept")
    has_the_group()
    return f"NFileDescriptorStore={kept_descriptors()}"


class _Absence:
    """OnAbsence= is in force until the end of the block. Where "allow" is not what is tested, an emulated machine, in which
    ten seconds may be too few, has "hold"."""

    def __init__(self, absence: str):
        self.absence = absence

    def __enter__(self):
        self.conf = CONF.read_text()
        check("#OnAbsence=allow" in self.conf, "holdfast.conf has no OnAbsence to change")
        CONF.write_text(self.conf.replace("#OnAbsence=allow", f"OnAbsence={self.absence}"))
        run("systemctl", "restart", "holdfast.service")
        return self

    def __exit__(self, *_):
        CONF.write_text(self.conf)
        run("systemctl", "restart", "holdfast.service")
        until("the service", is_active)


class _Away(_Absence):
    """The service can be made to end, and none can then be started until it is to come back."""

    def __enter__(self):
        DROP_IN.parent.mkdir(parents=True, exist_ok=True)
        DROP_IN.write_text(f"[Service]\nExecStartPre=/usr/bin/test ! -e {AWAY}\n")
        run("systemctl", "daemon-reload")
        return super().__enter__()

    def goes(self):
        AWAY.touch()
        pid = main_pid()
        check(pid > 1, "no service runs")
        os.kill(pid, signal.SIGKILL)

    def comes_back(self):
        AWAY.unlink(missing_ok=True)
        until("the service", is_active)

    def __exit__(self, *what):
        AWAY.unlink(missing_ok=True)
        DROP_IN.unlink(missing_ok=True)
        run("systemctl", "daemon-reload")
        super().__exit__(*what)


def kills_under_load_hang_nobody_and_run_no_drift(kills: int):
    with _Absence("hold"):
        return _kills(kills)


def _kills(kills: int):
    load, before, longest = Load("load-kill"), int(unit("NRestarts")), 0.0
    for i in range(kills):
        time.sleep(0.02 + (i % 7) * 0.05)  # not in step with anything
        longest = max(longest, kill_and_wait())
        if i % 5 == 4:
            check(kept_descriptors() == 2, f"{kept_descriptors()} descriptors are kept after {i + 1} kills")
            print(f"  {i + 1} kills, {longest:.1f} s to the next service's readiness at most", flush=True)
    check(int(unit("NRestarts")) - before == kills, f"{int(unit('NRestarts')) - before} starts for {kills} kills")
    return f"{kills} kills: {load.end(kills)}; from a kill to the next service's readiness {longest:.1f} s at most"


def restarts_under_load_hang_nobody_and_run_no_drift():
    before, load, since, longest = helper(), Load("load-restart"), time.time(), 0.0
    for _ in range(RESTARTS):
        pid, begin = main_pid(), time.monotonic()
        run("systemctl", "restart", "holdfast.service")
        check(is_active() and main_pid() != pid, "not restarted")
        check(kept_descriptors() == 2, f"{kept_descriptors()} descriptors are kept")
        longest = max(longest, time.monotonic() - begin)
    late = [line for line in said_by("holdfast.service", since) if "timed out" in line]
    check(not late, f"the service does not end when it is told to: {late}")
    has_the_group()
    with_it = "left alone" if helper() == before else "restarted with it"
    return f"{RESTARTS} restarts, holdfast-release {with_it}, {longest:.1f} s at most: {load.end(RESTARTS)}"


def upgrades_under_load_hang_nobody_and_keep_policies_and_baselines(packages: list[Path]):
    with _Absence("hold"):
        said = _upgrades(packages)
    has_the_group()
    running = Path(f"/proc/{helper()}/exe")
    check(os.path.samefile(running, "/usr/libexec/holdfast-release"), f"the old holdfast-release runs: {os.readlink(running)}")
    return said


def _upgrades(packages: list[Path]):
    load, before, longest = Load("load-upgrade"), holdfast("baseline", "list"), 0.0
    for i, package in enumerate(packages):
        pid, begin = main_pid(), time.monotonic()
        run("dpkg", "-i", package, timeout=600)
        until("the next service", lambda: is_active(pid))
        longest = max(longest, time.monotonic() - begin)
        check(kept_descriptors() == 2, f"{kept_descriptors()} descriptors are kept after {package.name}")
        if i % 5 == 4:
            print(f"  {i + 1} upgrades, the longest {longest:.1f} s", flush=True)
    said = load.end(len(packages))
    check(POLICY.exists(), "the policy is gone")
    known = {b["id"] for b in holdfast("baseline", "list")["baselines"]}
    check({b["id"] for b in before["baselines"]} <= known, "baselines are gone")
    version = run("dpkg-query", "-W", "-f=${Version}", "holdfast")
    return f"{len(packages)} upgrades, to {version}: {said}; the longest upgrade {longest:.1f} s"


def a_restart_is_told_as_exposure_and_nothing_else():
    found = alerts(kind="exposure", reason="restart")
    check(found and all("the marks held" in a["MESSAGE"] for a in found), f"alerts: {[a['MESSAGE'] for a in found][-3:]}")
    lost = [a["MESSAGE"] for a in alerts(kind="service") if "cannot be taken over" in a["MESSAGE"] or "cannot be used" in a["MESSAGE"]]
    check(not lost, f"not taken over: {lost[-3:]}")
    return found[-1]["MESSAGE"]


def denies_again(loop: Loop):
    loop.goes_on()
    ran = loop.ran()
    loop.goes_on()
    loop.goes_on()
    check(loop.ran() == ran, "drift runs although the service is back")


def absence_with_allow_ends_the_waiting_after_ten_seconds():
    """The service has entrusted its group anew: holdfast-release was killed before, and it connects from its sandbox."""
    since = time.time()
    with _Away("allow") as service:
        loop = Loop("load-allow")
        before = helper()
        os.kill(before, signal.SIGKILL)
        until("another holdfast-release", lambda: helper() not in (0, before))
        has_the_group()
        check(loop.ran() == 0, "drift has run")
        before = helper()
        service.goes()
        time.sleep(0.2)
        waited = loop.goes_on(PATIENCE + 20)
        check(PATIENCE - 2 < waited < PATIENCE + 10, f"they waited for {waited:.1f} s")
        told = until("what holdfast-release says of it",
                     lambda: [line for line in said_by("holdfast-release.service", since) if "were allowed" in line])
        check(helper() == before, "systemd has started another holdfast-release, which has no group")
        until("drift to run", lambda: loop.ran() > 0, 20)
        service.comes_back()
        denies_again(loop)
        loop.end()
    return f"let go after {waited:.1f} s; {told[-1]}"


def absence_with_hold_makes_everybody_wait_until_the_next_service():
    with _Away("hold") as service:
        loop = Loop("load-hold")
        check(not entrusted(helper()), "the group was entrusted all the same")
        service.goes()
        time.sleep(1)
        held = loop.count()
        time.sleep(PATIENCE + 4)
        check(loop.count() == held, "somebody was let go")
        service.comes_back()
        waited = loop.goes_on()
        denies_again(loop)
        check(loop.ran() == 0, f"{loop.ran()} executions of drift")
        loop.end()
    return f"held for {PATIENCE + 5} s, went on {waited:.1f} s after the next service was ready, no drift ran"


def stopping_for_good_lets_everybody_go_whatever_is_configured():
    said = []
    for absence in ("allow", "hold"):
        with _Away(absence) as service:
            loop = Loop(f"load-stop-{absence}")
            if absence == "hold":
                service.goes()  # they wait, and systemd keeps trying
                time.sleep(1)
            begin = time.monotonic()
            run("systemctl", "stop", "holdfast.service")
            # With "allow" holdfast-release, which is not stopped, has the group for as long as its patience lasts.
            loop.goes_on(PATIENCE + 20)
            until("drift to run", lambda: loop.ran() > 0, PATIENCE)
            said.append(f"{absence}: after {time.monotonic() - begin:.1f} s")
            check(kept_descriptors() == 0, "descriptors are kept for nobody")
            AWAY.unlink(missing_ok=True)
            run("systemctl", "start", "holdfast.service")
            denies_again(loop)
            loop.end()
    return ", ".join(said)


def a_configuration_that_is_bad_at_a_start_holds_nobody():
    with _Away("hold"):
        loop, conf = Loop("load-bad"), CONF.read_text()
        CONF.write_text(conf.replace("OnAbsence=hold", "OnAbsence=perhaps"))
        pid = main_pid()
        check(pid > 1, "no service runs")
        os.kill(pid, signal.SIGKILL)
        until("the unit to give up", lambda: unit("ActiveState") == "failed", 30)
        loop.goes_on(PATIENCE)
        CONF.write_text(conf)
        run("systemctl", "start", "holdfast.service")
        denies_again(loop)
        loop.end()


def watchdog_leaves_a_healthy_service_alone_and_ends_one_that_hangs():
    loop, pid, begin = Loop("load-watchdog"), main_pid(), time.time()
    time.sleep(WATCHDOG + 5)
    check(main_pid() == pid, "another service after one period of the watchdog")
    barked = run("journalctl", "-b", "-u", "holdfast.service", "--grep", "[Ww]atchdog timeout", "--no-pager", "-o", "cat", check=False)
    check("timeout" not in barked.lower(), f"the watchdog has ended a service: {barked}")
    fed = int(unit("WatchdogTimestampMonotonic"))
    check(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6 - fed < WATCHDOG / 2 * 1e6, "not fed")
    os.kill(pid, signal.SIGSTOP)
    until("the next service", lambda: is_active(pid), WATCHDOG + 60)
    waited = loop.goes_on()
    check(any("watchdog timeout" in line.lower() for line in said_by("holdfast.service", begin)), "somebody else ended it")
    check(loop.ran() == 0, f"{loop.ran()} executions of drift")
    denies_again(loop)
    loop.end()
    return f"left alone for {WATCHDOG + 5} s under load; a stopped one was ended and followed, {waited:.1f} s later executions went on, no drift ran"
