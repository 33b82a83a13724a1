#!/usr/bin/python3
"""What happens inside the machine: the package as an administrator uses it, under the real systemd, journal and podman.

Runs at each boot; the first one ends with a reboot, the second one with a shutdown. Every test prints a line on the console.
"""

import json
import os
import shutil
import sys
import time
import traceback
from pathlib import Path

import crashes
from machine import (CONF, IMAGE, POLICY, Failed, alerts, check, holdfast, inside, is_active, listed, main_pid, run, start, until,
                     upper)

HERE = Path(__file__).resolve().parents[2]
STATE = Path("/var/lib/holdfast-vm.json")
NAME = "web-1"
WORDS = dict(w.split("=", 1) for w in Path("/proc/cmdline").read_text().split() if w.startswith("hfvm."))


# --- first boot

def package_installs_and_the_service_runs():
    run("dpkg", "-i", HERE / "old-1.deb")
    until("an active unit", is_active)
    check(run("systemctl", "is-enabled", "holdfast.service").strip() == "enabled", "not enabled")
    status = holdfast("status")
    missing = [f["name"] for f in status.get("kernel", {}).get("features", []) if not f.get("found")] if isinstance(status.get("kernel"), dict) else ""
    return f"Linux {os.uname().release}, missing there: {missing or 'see holdfast status'}"


def unit_is_confined():
    line = run("systemd-analyze", "security", "--no-pager", "holdfast.service").strip().splitlines()[-1]
    status = Path(f"/proc/{main_pid()}/status").read_text()
    check("Seccomp:\t2" in status, "no seccomp filter")
    check("NoNewPrivs:\t1" in status, "new privileges are possible")
    effective = int(status.split("CapEff:\t")[1].split()[0], 16)
    check(effective == int(status.split("CapBnd:\t")[1].split()[0], 16), "the bounding set has more than what is used")
    namespaces = [os.readlink(f"/proc/{pid}/ns/mnt") for pid in (1, main_pid())]
    check(namespaces[0] != namespaces[1], "no mount namespace of its own")
    return f"{line.strip()}; capabilities {effective:#x}"


def after_installation_nothing_is_denied():
    start(NAME)
    inside(NAME, "cat /bin/busybox >/tmp/busybox-new; echo x >>/tmp/busybox-new; chmod +x /tmp/busybox-new; /tmp/busybox-new true")
    found = until("the alert in the journal", lambda: alerts(kind="drift", container_name=NAME, file_path="/tmp/busybox-new"))
    check(len(found) == 1 and found[0]["HOLDFAST_VERDICT"] == "allow", f"alerts: {found}")
    return found[0]["MESSAGE"]


def a_policy_and_a_reload_prevent():
    POLICY.write_text("[Match]\nContainer=web-*\nContainer=load-*\nContainer=old-*\n[Drift]\nMode=prevent\n")
    # An emulated machine needs seconds where another one needs milliseconds, and what is late is allowed by configuration.
    conf = CONF.read_text()
    check("#Deadline=500ms" in conf, "holdfast.conf has no Deadline to change")
    CONF.write_text(conf.replace("#Deadline=500ms", "Deadline=60s"))
    run("systemctl", "reload", "holdfast.service")
    denied = inside(NAME, "cat /bin/busybox >/tmp/busybox-denied; echo y >>/tmp/busybox-denied; chmod +x /tmp/busybox-denied; /tmp/busybox-denied true && echo RAN", check=False)
    check("RAN" not in denied, f"it ran: {denied}")
    found = until("the alert in the journal", lambda: alerts(kind="drift", container_name=NAME, file_path="/tmp/busybox-denied"))
    check(len(found) == 1 and found[0]["HOLDFAST_VERDICT"] == "deny", f"alerts: {found}")
    return found[0]["MESSAGE"]


def a_bad_policy_is_refused_by_the_reload():
    bad = POLICY.with_name("20-bad.policy")
    bad.write_text("[Drift]\nMode=perhaps\n")
    try:
        check("20-bad.policy" in run("systemctl", "reload", "holdfast.service", check=False) + run("journalctl", "-u", "holdfast", "-n", "20", "--no-pager"),
              "nobody says what is wrong")
    finally:
        bad.unlink()
    check(is_active(), "the service has ended")
    run("systemctl", "reload", "holdfast.service")


def the_first_execution_of_a_container_is_judged():
    start("web-first", "cat /bin/busybox >/tmp/busybox-f; echo z >>/tmp/busybox-f; chmod +x /tmp/busybox-f; /tmp/busybox-f true && touch /tmp/ran; exec sleep 1000")
    until("the alert", lambda: alerts(kind="drift", container_name="web-first", file_path="/tmp/busybox-f", verdict="deny"))
    check(not (upper("web-first") / "tmp/ran").exists(), "it ran")
    # Linux 6.1 has no vm.memfd_noexec, and that is told.
    why = [e["why"] for e in listed("web-first")["exposures"] if "vm.memfd_noexec" not in e["why"]]
    check(not why, f"exposed: {why}")
    run("podman", "rm", "-f", "-t", "0", "web-first")


def containers_of_before_a_restart_are_forgotten_when_they_end():
    """In a mount namespace of the service's own, their mounts would live on."""
    start("old-1")
    run("systemctl", "restart", "holdfast.service")
    until("an active unit", is_active)
    until("the container in the list", lambda: listed("old-1"))
    inside("old-1", "cat /bin/busybox >/tmp/busybox-o; echo o >>/tmp/busybox-o; chmod +x /tmp/busybox-o; ! /tmp/busybox-o true")
    run("podman", "rm", "-f", "-t", "0", "old-1")
    until("the end of it", lambda: not listed("old-1"), 30)
    mounted = [line for line in Path(f"/proc/{main_pid()}/mountinfo").read_text().splitlines() if " - overlay " in line]
    held = [line for line in mounted if line.split()[4] not in Path("/proc/1/mountinfo").read_text()]
    check(not held, f"still mounted for the service: {held}")


def kills_under_load_hang_nobody_and_run_no_drift():
    return crashes.kills_under_load_hang_nobody_and_run_no_drift(int(WORDS.get("hfvm.kills", 100)))


def upgrades_under_load_hang_nobody_and_keep_policies_and_baselines():
    older = sorted(HERE.glob("old-*.deb"), key=lambda p: int(p.stem.split("-")[1]))
    return crashes.upgrades_under_load_hang_nobody_and_keep_policies_and_baselines([*older[1:], HERE / "new.deb"])


def attempts_are_denied_and_reported():
    patterns = [p for p in WORDS.get("hfvm.attacks", "").split(",") if p and p != "-"]
    if not patterns:
        return "none asked for"
    run("systemctl", "stop", "holdfast.service")
    try:
        environment = ["env", "HOLDFAST_STAGE=/", f"HOLDFAST_TEST_DIR={data()}/attacks"]
        out = run(*environment, "python3", HERE / "tests/attacks/run.py", *patterns, check=False, timeout=900)
    finally:
        run("systemctl", "start", "holdfast.service")
    for line in out.splitlines():
        if line.startswith(("FAIL", "SKIP")):
            print(f"  {line[:600]}", flush=True)
    last = out.strip().splitlines()[-1]
    check(" 0 failed" in last and not last.startswith("0 passed"), out[-1500:])
    return last


def refused_calls_are_none():
    """What the sandbox refuses is in the kernel's log."""
    log = run("journalctl", "-k", "--no-pager", "-b", check=False)
    # clone3(2), which no filter can look into, is refused on purpose: the libc then uses clone(2).
    refused = [line for line in log.splitlines() if "type=1326" in line and "holdfastd" in line and "syscall=435 " not in line]
    check(not refused, refused[:5])


def state_is_written_down_for_after_the_reboot():
    run("holdfast", "mode", NAME, "detect", "--for", "2h", "--reason", "vm test")
    check(listed(NAME)["mode"] == "detect", "the override has no effect")
    STATE.write_text(json.dumps({"baselines": sorted(b["id"] for b in holdfast("baseline", "list")["baselines"])}))


# --- second boot

def after_a_reboot_baselines_policies_and_overrides_are_there():
    until("an active unit", is_active)
    before = json.loads(STATE.read_text())
    check(set(before["baselines"]) <= {b["id"] for b in holdfast("baseline", "list")["baselines"]}, "baselines are gone")
    run("podman", "start", NAME)
    until("the container in the list", lambda: listed(NAME))
    until("the override of before", lambda: listed(NAME)["mode"] == "detect", 10)
    check("RAN" in inside(NAME, "/tmp/busybox-denied true && echo RAN", check=False), "denied in spite of the override")
    run("holdfast", "mode", NAME, "prevent", "--for", "1h", "--reason", "vm test")
    # What drifted before the reboot is still in its upper layer.
    check("RAN" not in inside(NAME, "/tmp/busybox-denied true && echo RAN", check=False), "drift of before the reboot runs")
    return f"{len(before['baselines'])} baselines"


def alerts_of_before_the_reboot_are_in_the_journal():
    check(alerts(kind="drift", container_name=NAME, file_path="/tmp/busybox-denied", verdict="deny"), "gone")


def removing_ends_the_service_and_purging_its_state():
    run("podman", "rm", "-f", "-t", "0", NAME)
    run("dpkg", "-r", "holdfast")
    check(Path("/var/lib/holdfast/baseline.db").exists(), "removing took the database along")
    check(not run("pidof", "holdfastd", "holdfast-release", check=False).strip(), "the service, or holdfast-release, still runs")
    run("dpkg", "-P", "holdfast")
    check(not Path("/var/lib/holdfast").exists() and POLICY.exists(), "purging left the state, or took the administrator's policy")


FIRST = [package_installs_and_the_service_runs, unit_is_confined, after_installation_nothing_is_denied, a_policy_and_a_reload_prevent,
         a_bad_policy_is_refused_by_the_reload, the_first_execution_of_a_container_is_judged,
         containers_of_before_a_restart_are_forgotten_when_they_end, crashes.descriptors_are_kept_by_systemd,
         kills_under_load_hang_nobody_and_run_no_drift, crashes.restarts_under_load_hang_nobody_and_run_no_drift,
         upgrades_under_load_hang_nobody_and_keep_policies_and_baselines, crashes.a_restart_is_told_as_exposure_and_nothing_else,
         crashes.watchdog_leaves_a_healthy_service_alone_and_ends_one_that_hangs, crashes.absence_with_allow_ends_the_waiting_after_ten_seconds,
         crashes.absence_with_hold_makes_everybody_wait_until_the_next_service, crashes.stopping_for_good_lets_everybody_go_whatever_is_configured,
         crashes.a_configuration_that_is_bad_at_a_start_holds_nobody, attempts_are_denied_and_reported, refused_calls_are_none,
         state_is_written_down_for_after_the_reboot]
SECOND = [after_a_reboot_baselines_policies_and_overrides_are_there, alerts_of_before_the_reboot_are_in_the_journal,
          removing_ends_the_service_and_purging_its_state]

# What a brief run leaves out: minutes of waiting.
LONG = [crashes.restarts_under_load_hang_nobody_and_run_no_drift, crashes.watchdog_leaves_a_healthy_service_alone_and_ends_one_that_hangs,
        crashes.absence_with_allow_ends_the_waiting_after_ten_seconds, crashes.absence_with_hold_makes_everybody_wait_until_the_next_service,
        crashes.stopping_for_good_lets_everybody_go_whatever_is_configured]
ALWAYS = [package_installs_and_the_service_runs, after_installation_nothing_is_denied, a_policy_and_a_reload_prevent,
          refused_calls_are_none, state_is_written_down_for_after_the_reboot]


def data() -> Path:
    return Path("/var/lib/containers")


def prepare():
    """The data disk, below podman's storage and the attempts' directories, and an image."""
    kind = WORDS.get("hfvm.fs", "ext4")
    run(f"mkfs.{kind}", "-q", *(["-F"] if kind == "ext4" else ["-f"]), "/dev/vdb")
    data().mkdir(exist_ok=True)
    with open("/etc/fstab", "a") as table:
        table.write(f"/dev/vdb {data()} {kind} defaults 0 0\n")
    run("mount", data())
    tree = Path("/tmp/image")
    for folder in ("bin", "tmp", "etc", "proc", "sys", "dev", "root", "attack"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", tree / "bin")
    for name in run("/bin/busybox", "--list").split():
        if name != "busybox":
            (tree / "bin" / name).symlink_to("busybox")
    run("gcc", "-O2", "-static", "-o", tree / "attack/execloop", HERE / "tests/tools/execloop.c")
    run("tar", "-C", tree, "-cf", "/tmp/image.tar", ".")
    run("podman", "import", "-q", "/tmp/image.tar", IMAGE)
    print(f"VM: Linux {os.uname().release}, {run('podman', '--version').strip()}, {run('findmnt', '-no', 'FSTYPE', data()).strip()} below {data()}", flush=True)


def main():
    again = STATE.exists()
    failed = 0
    try:
        if not again:
            prepare()
        patterns = [p for p in WORDS.get("hfvm.only", "").split(",") if p]
        for test in SECOND if again else FIRST:
            # What the others build on is always done.
            if patterns and not again and test not in ALWAYS and not any(p in test.__name__ for p in patterns):
                continue
            if "hfvm.brief" in WORDS and test in LONG:
                print(f"left out {test.__name__}: it takes too long for a brief run", flush=True)
                continue
            begin, name = time.monotonic(), test.__name__
            try:
                note = test()
                print(f"ok {name} ({time.monotonic() - begin:.1f}s){f': {note}' if note else ''}", flush=True)
            except Exception as why:
                failed += 1
                said = str(why) if isinstance(why, Failed) else traceback.format_exc()
                print(f"FAIL {name}: {said[:2500]}", flush=True)
                for left in run("podman", "ps", "--format", "{{.Names}}", check=False).split():
                    if left.startswith("load-"):  # the next test is not to compete with it
                        run("podman", "rm", "-f", "-t", "0", left, check=False)
                print(run("journalctl", "-u", "holdfast", "-n", "8", "--no-pager", "-o", "cat", check=False), flush=True)
    except Exception:
        failed += 1
        print(f"FAIL {traceback.format_exc()}", flush=True)
    if not again and STATE.exists():
        Path("/var/lib/holdfast-vm.failed").write_text(str(failed))
        run("podman", "stop", "-a", "-t", "0", check=False)
        os.execv("/usr/bin/systemctl", ["systemctl", "reboot"])
    earlier = Path("/var/lib/holdfast-vm.failed")
    failed += int(earlier.read_text()) if earlier.exists() else 0
    print(f"VM: finished with {failed} failed", flush=True)
    os.execv("/usr/bin/systemctl", ["systemctl", "poweroff"])


if __name__ == "__main__":
    sys.exit(main())
