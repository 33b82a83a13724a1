#!/usr/bin/python3
"""Every key of holdfast.conf and of policies: used and misused here, told of in its manual page, and used in the tests.

Which sections and keys there are is asked of the program itself (`holdfast policy check` names them when it finds one that
is unknown), so that a key that is added without a line here, or in the manual, fails.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[1]
_CLI = _SOURCE / "build/stage/usr/bin/holdfast"
_VERDICT = ("alert", "maybe")
_GLOB = ("a*", None)  # any text is a glob: it can be misused only by giving it twice where once is allowed, or in another section
_HASH = "0" * 64

# section: its line, lines that it needs besides, and for each key a value that is right and one that is wrong
POLICY = {
    "Match": ("[Match]", "", {"Image": _GLOB, "Container": _GLOB, "Runtime": _GLOB, "Namespace": _GLOB, "Pod": _GLOB, "Label": ("a=b", "a")}),
    "Drift": ("[Drift]", "", {
        "Mode": ("prevent", "block"), "OnDeadline": ("allow", "alert"), "Evidence": ("0", "lots"), "Action": ("none", "shout"),
        "Added": _VERDICT, "Modified": _VERDICT, "MadeExecutable": _VERDICT, "Relocated": _VERDICT, "Volume": _VERDICT,
        "Fileless": _VERDICT, "Loader": _VERDICT, "Library": _VERDICT}),
    "Allow": ("[Allow x]", "Path=/other", {
        "Path": ("/opt/*", "opt"), "Sha256": (_HASH, "00"), "Until": ("2026-12-31", "tomorrow"), "Reason": ("words", "twice"),
        "Writer": ("/usr/bin/w", "w"), "Parent": ("/usr/bin/p", "p"), "Image": ("*/tools:*", None)}),
    "Deny": ("[Deny x]", "Path=/other", {"Path": ("/opt/*", "opt"), "Sha256": (_HASH, "00"), "Reason": ("words", "twice")}),
    "Volume": ("[Volume x]", "Path=/other\nVerdict=alert", {
        "Path": ("/data", "data"), "Source": ("/srv/*", "/srv//x"), "Type": _GLOB, "ReadOnly": ("yes", "perhaps"), "Verdict": _VERDICT}),
    "Seal": ("[Seal]", "", {"Window": ("30s", "long"), "Until": ("file:/run/ready", "soon")}),
}
SETTINGS = {
    "Service": ("[Service]", "", {
        "StateDirectory": ("/var/lib/x", "x"), "RuntimeDirectory": ("/run/x", "x"), "PolicyDirectory": ("/etc/x", "x"),
        "Runtime": ("/usr/bin/runc", "runc"), "Alert": ("stderr", "syslog"), "KernelAudit": ("no", "perhaps")}),
    "Gate": ("[Gate]", "", {"Deadline": ("1s", "1"), "OnDeadline": ("deny", "alert"), "OnAbsence": ("allow", "maybe"), "HashThreads": ("2", "many")}),
}  # and [Drift], whose keys are those of a policy

wrong: list[str] = []


def verdict_of(text: str, suffix: str) -> str:
    """What the program complains of; nothing if it takes the file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"x.{suffix}"
        file.write_text(text + "\n")
        done = subprocess.run([_CLI, "policy", "check", file], capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        if done.returncode not in (0, 2):
            wrong.append(f"policy check ended with {done.returncode}: {said}")
        return "" if done.returncode == 0 else said.strip() or "refused"


def sections_of_program(suffix: str) -> set[str]:
    listed = re.search(r"unknown section; (.*) would be right", verdict_of("[Nosuch]", suffix))
    return {name.split()[0] for name in re.findall(r"\[([^\]]+)\]", listed.group(1))} if listed else set()


def keys_of_program(header: str, suffix: str) -> set[str]:
    listed = re.search(r"unknown key; one of (.*) would be right", verdict_of(f"{header}\nNosuchkey=1", suffix))
    return set(listed.group(1).split(", ")) if listed else set()


def told_keys(page: str, kind: str) -> set[str]:
    text = (_SOURCE / "man" / page).read_text()
    found = re.search(rf'^\.S[sS] Sections? \[{kind}( NAME)?\]$(.*?)(?=^\.S[sh] )', text, re.M | re.S)
    return set(re.findall(r"\bIc (\w+)", found.group(2))) if found else set()


def check_section(kind: str, section, suffix: str, page: str, tests: str):
    header, needs, keys = section
    there = keys_of_program(header, suffix)
    if not there:
        wrong.append(f"{page}: the program names no keys of {header}")
    for key in sorted(there):
        name = f"{header} {key}="
        if key not in told_keys(page, kind):
            wrong.append(f"{page} does not tell of {name}")
        if not re.search(rf"(?:\\n|\b){key}=", tests):
            wrong.append(f"no unit or system test uses {name}")
        if key not in keys:
            wrong.append(f"{name} has no right and wrong value in tests/keys.py")
            continue
        right, bad = keys[key]
        rest = "\n".join(line for line in needs.splitlines() if not line.startswith(f"{key}="))
        complaint = verdict_of(f"{header}\n{rest}\n{key}={right}", suffix)
        if complaint and "not supported by this version" not in complaint:
            wrong.append(f"{name}{right} is refused: {complaint}")
        text = f"{header}\n{rest}\n{key}={bad}"
        if bad == "twice":
            text = f"{header}\n{rest}\n{key}={right}\n{key}={right}"
        elif bad is None:  # in a section that has no such key
            text = f"[{'Volume x' if kind != 'Volume' else 'Match'}]\n{key}={right}"
        complaint = verdict_of(text, suffix)
        if f" {key}: " not in complaint or "would be right" not in complaint:
            wrong.append(f"{name}{bad} is misused, and the complaint does not say so: {complaint!r}")


def check_file(sections: dict, suffix: str, page: str, tests: str):
    for kind in sorted(sections_of_program(suffix)):
        if suffix == "conf" and kind == "Drift":
            continue
        if kind not in sections:
            wrong.append(f"[{kind}] is not in tests/keys.py")
            continue
        check_section(kind, sections[kind], suffix, page, tests)


def main() -> int:
    tests = "".join(file.read_text() for folder in ("policy", "daemon", "system", "attacks") for file in (_SOURCE / "tests" / folder).glob("*.[ch]*"))
    tests += "".join(file.read_text() for folder in ("system", "attacks") for file in (_SOURCE / "tests" / folder).rglob("*.py"))
    check_file(POLICY, "policy", "holdfast.policy.5", tests)
    check_file(SETTINGS, "conf", "holdfast.conf.5", tests)
    print("\n".join(wrong) or "every key is used, misused and told of")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
