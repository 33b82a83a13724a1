"""A strict reader of OpenMetrics text (version 1.0): what a collector may refuse is an error here."""

import re

from .env import TestError

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+|Inf)|NaN")
_SUFFIXES = {"counter": {"_total", "_created"}, "gauge": {""}, "info": {"_info"},
             "histogram": {"_bucket", "_count", "_sum", "_created"}}

Labels = tuple[tuple[str, str], ...]


class Family:
    def __init__(self, name: str, kind: str):
        self.name, self.kind, self.unit, self.help = name, kind, "", None
        self.samples: dict[tuple[str, Labels], float] = {}

    def value(self, suffix="_total", **labels) -> float:
        return self.samples[suffix, tuple(sorted(labels.items()))]


def _require(condition, number: int, line: str, complaint: str):
    if not condition:
        raise TestError(f"metrics, line {number}: {complaint}: {line[:200]!r}")


def _sample(line: str, number: int) -> tuple[str, Labels, float]:
    name = _NAME.match(line)
    _require(name, number, line, "no metric's name")
    rest, labels = line[name.end():], []
    if rest.startswith("{"):
        rest = rest[1:]
        while not rest.startswith("}"):
            label = _LABEL.match(rest)
            _require(label, number, line, "not a label")
            labels.append(label.groups())
            rest = rest[label.end():]
            _require(rest[:1] in ("}", ","), number, line, "labels are not separated")
            rest = rest.removeprefix(",")
        rest = rest[1:]
    _require(len({key for key, _ in labels}) == len(labels), number, line, "a label twice")
    _require(rest.startswith(" ") and _NUMBER.fullmatch(rest[1:]), number, line, "not one space and a number")
    return name.group(), tuple(sorted(labels)), float(rest[1:])


def _describe(families: dict[str, Family], line: str, number: int) -> Family:
    words = line.split(" ", 3)
    _require(len(words) == 4 and words[0] == "#", number, line, "not a comment of the format's")
    what, name, text = words[1:]
    family = families.get(name)
    if what == "TYPE":
        _require(family is None, number, line, "a family twice")
        _require(_NAME.fullmatch(name) and text in _SUFFIXES, number, line, "name or type")
        families[name] = Family(name, text)
        return families[name]
    _require(family is not None and family is list(families.values())[-1], number, line, "of another family")
    _require(not family.samples, number, line, "after samples")
    if what == "UNIT":
        _require(not family.unit and name.endswith(f"_{text}"), number, line, "the name does not end with the unit")
        family.unit = text
    else:
        _require(what == "HELP" and family.help is None, number, line, "what is this?")
        family.help = text
    return family


def _check(family: Family):
    wrong = None
    if not family.samples or not family.help:
        wrong = "no samples, or no help"
    if family.kind in ("counter", "histogram") and any(not v >= 0 for v in family.samples.values()):
        wrong = "below zero"
    if family.kind == "info" and set(family.samples.values()) != {1.0}:
        wrong = "an info that is not 1"
    if family.kind == "histogram":
        buckets = [(float(dict(labels)["le"]), value) for (suffix, labels), value in family.samples.items() if suffix == "_bucket"]
        if buckets != sorted(buckets) or [v for _, v in buckets] != sorted(v for _, v in buckets):
            wrong = "buckets do not grow"
        elif buckets[-1] != (float("inf"), family.value("_count")) or ("_sum", ()) not in family.samples:
            wrong = "the last bucket is not the count, or there is no sum"
    if wrong:
        raise TestError(f"metrics: {family.name}: {wrong}")


def parse(text: str) -> dict[str, Family]:
    """The families by name; an error for whatever the format does not allow."""
    if not text.endswith("# EOF\n") or text.count("# EOF") != 1:
        raise TestError(f"metrics do not end with one # EOF: {text[-100:]!r}")
    families: dict[str, Family] = {}
    family = None
    for number, line in enumerate(text.removesuffix("# EOF\n").split("\n")[:-1], 1):
        if line.startswith("#"):
            family = _describe(families, line, number)
            continue
        name, labels, value = _sample(line, number)
        _require(family is not None and name.startswith(family.name), number, line, "a sample outside of its family")
        suffix = name.removeprefix(family.name)
        _require(suffix in _SUFFIXES[family.kind], number, line, f"no sample of a {family.kind}")
        _require((suffix, labels) not in family.samples, number, line, "a sample twice")
        family.samples[suffix, labels] = value
    for family in families.values():
        _check(family)
    return families
