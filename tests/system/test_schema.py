"""The alert's schema is as strict as its users need it: what an alert must not look like is refused."""

import copy
import json

from harness import schema
from harness.env import TestError
from harness.lab import check

_MESSAGE = "denied /tmp/x in web-1 (nginx:1.27): added, by sh (pid 4121)"
_ADVICE = {"meaning": "something has happened", "check": "look at it", "action": "do something about it"}
_ALERT = {"time": "2026-11-22T20:14:13.000123Z", "kind": "drift", "verdict": "deny", "reason": "added", "mode": "prevent",
          "policy": "50-web.policy", "container": {"id": "0123456789abcdef", "name": "web-1", "image": "nginx:1.27"},
          "file": {"path": "/tmp/x", "sha256": "a" * 64, "size": 12, "mode": "0755", "uid": 0, "layer": "upper"},
          "process": {"pid": 4121, "exe": "/bin/sh", "cmdline": "sh"}, "ancestors": [{"pid": 1, "exe": "/init"}],
          "repeats": 0, "advice": _ADVICE, "message": _MESSAGE}

_WRONG = {  # a member (with dots), and values that it must not have; None: it must not be absent
    "time": ["2026-11-22T20:14:13Z", "2026-13-22T20:14:13.000123Z", "2026-11-22 20:14:13.000123Z", None],
    "kind": ["other", None], "verdict": ["denied", None], "reason": ["novel", "deadline", None],
    "mode": ["detect", "none", None], "policy": ["", None], "novel": [1], "repeats": [-1, "0", 1.5, None],
    "container": [{}], "container.id": [None], "container.novel": ["x"], "container.image_digest": ["sha256:xyz"], "container.name": ["a\nb"],
    "file.path": ["", "/tmp/\x1b[2J", "/" + "x" * 4096], "file.sha256": ["A" * 64, "a" * 63], "file.size": ["12", -1],
    "file.mode": ["755", 493], "file.layer": ["lower"], "file.mtime": ["yesterday"], "image_file": [{"sha256": "a" * 64}],
    "process.pid": [0, "1", None], "process.started": [1], "ancestors": [[], [{}], {"pid": 1}, [{"pid": 1, "uid": 0}]],
    "advice": [None, {"meaning": "only this and nothing else"}], "advice.check": ["ü" * 20], "message": ["", "two\nlines", None],
}


def _with(member: str, value) -> dict:
    alert = copy.deepcopy(_ALERT)
    *parts, last = member.split(".")
    place = alert[parts[0]] if parts else alert
    if value is None:
        del place[last]
    else:
        place[last] = value
    return alert


def _refused(alert: dict) -> bool:
    try:
        schema.check(alert)
    except TestError:
        return True
    return False


def test_schema_takes_what_the_service_sends_and_refuses_what_is_wrong():
    schema.check(_ALERT)
    schema.check(_with("container", None))  # nothing names it
    passed = [f"{member}={value!r}" for member, values in _WRONG.items() for value in values if not _refused(_with(member, value))]
    check(not passed, f"fits the schema, but must not: {passed}")
    detected = {**_ALERT, "verdict": "allow", "mode": "detect"}
    schema.check(detected)
    check(_refused({**detected, "kind": "service", "reason": "reload"}), "a verdict of the service about itself")


def test_the_journals_form_is_the_same_alert():
    fields = {"MESSAGE": _MESSAGE, "PRIORITY": "4"}
    for key, value in _ALERT.items():
        if isinstance(value, dict):
            fields |= {f"HOLDFAST_{key}_{part}".upper(): str(text) for part, text in value.items()}
        elif key not in ("message", "time"):
            fields[f"HOLDFAST_{key}".upper()] = value if isinstance(value, str) else json.dumps(value)
    schema.check_journal(fields)
    check({**schema.from_journal(fields), "time": _ALERT["time"]} == _ALERT, "another alert")
    for name, text in (("HOLDFAST_NOVEL", "x"), ("HOLDFAST_PROCESS_PID", "07"), ("HOLDFAST_FILE_SIZE", "twelve"), ("HOLDFAST_FILE_PATH", [1])):
        try:
            schema.check_journal({**fields, name: text})
        except TestError:
            continue
        raise TestError(f"{name}={text!r} in the journal is not refused")
