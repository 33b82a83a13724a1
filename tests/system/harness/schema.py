"""Whether alerts fit the schema that users get (conf/alert.schema.json): the harness asks it for every alert it sees."""

import json
import re
from functools import cache
from pathlib import Path

import jsonschema

from .env import SOURCE, TestError

_MOST = 5  # complaints that are shown
_LONGEST_WORD = len("\\u1234")  # of JSON that may be cut in the middle
_MOST_REMEMBERED = 50_000  # parts that are right


@cache
def validator():
    """What it found right is not looked at again: thousands of alerts have the same container, ancestors and so on."""
    schema = json.loads((SOURCE / "conf" / "alert.schema.json").read_text())
    strict = jsonschema.Draft202012Validator
    strict.check_schema(schema)
    right, follow = set(), strict.VALIDATORS["$ref"]

    def remembering(validator, reference, instance, schema):
        key = (reference, json.dumps(instance))
        if key not in right:
            complaints = list(follow(validator, reference, instance, schema))
            if len(right) > _MOST_REMEMBERED:
                right.clear()
            if not complaints:
                right.add(key)
            yield from complaints

    return jsonschema.validators.extend(strict, {"$ref": remembering})(schema)


def check(alert: dict, where: str = "an alert"):
    complaints = [f"{c.json_path}: {c.message[:300]}" for c in validator().iter_errors(alert)]
    if complaints:
        raise TestError(f"{where} does not fit alert.schema.json: {'; '.join(complaints[:_MOST])}: {json.dumps(alert)[:1500]}")


def parsed(line: bytes) -> dict | None:
    """None for half a line, as a service leaves it that is killed while it writes."""
    try:
        return json.loads(line)
    except json.JSONDecodeError as fault:
        cut = len(line.decode(errors="replace").rstrip("\n")) - fault.pos <= _LONGEST_WORD or fault.msg.startswith("Unterminated string")
        if line.startswith(b"{") and cut:
            return None
        raise


def check_lines(path: Path, offset: int = 0, kills: int = 0) -> int:
    """Every complete line of a file of alerts from `offset` on; returns how far that went. A service that was killed may have left
    half a line each time."""
    if not path.exists() or path.stat().st_size <= offset:
        return offset
    with open(path, "rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                break
            offset += len(line)
            alert = parsed(line)
            kills -= alert is None
            if kills < 0:
                raise TestError(f"half a line in {path}: {line[-200:]!r}")
            if alert is not None:
                check(alert, f"a line of {path}")
    return offset


# --- the journal's form ------------------------------------------------------------------------------------------

def _definition(schema: dict) -> dict:
    while "$ref" in schema:
        schema = validator().schema["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _value(text: str, schema: dict, name: str):
    schema = _definition(schema)
    kinds = {schema.get("type"), *(_definition(part).get("type") for part in schema.get("allOf", []))}
    if "integer" in kinds:
        if not re.fullmatch(r"0|[1-9]\d*", text):
            raise TestError(f"{name}={text[:100]!r} in the journal is no number")
        return int(text)
    return json.loads(text) if "array" in kinds else text


def from_journal(entry: dict) -> dict:
    """The alert that an entry of `journalctl -o json` stands for, by the schema's names alone."""
    known = {}
    for key, schema in validator().schema["properties"].items():
        parts = _definition(schema).get("properties")
        for part, part_schema in (parts or {"": schema}).items():
            known["_".join(filter(None, ("HOLDFAST", key, part))).upper()] = (key, part, part_schema)
    alert = {"message": entry["MESSAGE"], "time": "2000-01-01T00:00:00.000000Z"}  # the journal has a time of its own
    for name, text in entry.items():
        if not name.startswith("HOLDFAST_"):
            continue
        if name not in known or not isinstance(text, str):
            raise TestError(f"{name}={text!r} in the journal has no name in alert.schema.json, or is no text")
        key, part, schema = known[name]
        if part:
            alert.setdefault(key, {})[part] = _value(text, schema, name)
        else:
            alert[key] = _value(text, schema, name)
    return alert


def check_journal(entry: dict):
    check(from_journal(entry), "an entry of the journal")
