"""The list of attempts in man/holdfast-limitations.7, between two markers: what is claimed there is what is tried here."""

import sys

from attack import Attack
from harness.env import SOURCE

PAGE = SOURCE / "man" / "holdfast-limitations.7"
_BEGIN = '.\\" The attempts: written by tests/attacks/run.py --man, from the attempts themselves.\n'
_END = '.\\" The end of the attempts.\n'
_ENDS = {"denied": "denied", "killed": "killed", "refused": "refused by the kernel", "told": "runs, one alert",
         "silent": "runs, no alert"}


def _outcome(attack: Attack, mode: str) -> str:
    if mode not in attack.modes:
        return "not tried"
    if attack.get("STATED"):
        return "runs, no alert"
    if attack.get("attempt"):
        return attack.get(f"SAYS_{mode.upper()}", "holds")
    words = []
    for end in attack.ends(mode):
        word, _, reason = end.partition(" ")
        words.append(f"{_ENDS[word]} {reason}".strip() if word != "told" else f"{_ENDS[word]}: {reason}")
    return " or ".join(words)


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in ".'" else text


def _section(attacks: list[Attack]) -> str:
    lines = [_BEGIN]
    for row in dict.fromkeys(a.row for a in attacks):
        lines.append(f".Ss Attempts: {_escaped(row)}\n.Bl -tag -width Ds\n")
        for attack in (a for a in attacks if a.row == row):
            lines.append(f".It {_escaped(attack.words)}\n")
            lines.append(f"Prevent mode: {_escaped(_outcome(attack, 'prevent'))}.\n")
            lines.append(f"Detect mode: {_escaped(_outcome(attack, 'detect'))}.\n")
            why = attack.get("STATED")
            lines.append(f"Mechanism: {_escaped(attack.mechanism)}{f' ({_escaped(why)})' if why else ''}.\n")
        lines.append(".El\n")
    return "".join([*lines, _END])


def _page(attacks: list[Attack]) -> tuple[str, str]:
    """The page as it is and as it must be."""
    text = PAGE.read_text()
    if _BEGIN not in text or _END not in text:
        sys.exit(f"{PAGE}: the markers of the attempts are missing")
    head, rest = text.split(_BEGIN)
    return text, head + _section(attacks) + rest.split(_END)[1]


def write(attacks: list[Attack]) -> int:
    PAGE.write_text(_page(attacks)[1])
    return 0


def check(attacks: list[Attack]) -> int:
    found, wanted = _page(attacks)
    if found != wanted:
        print(f"{PAGE} does not say what the attempts say: tests/attacks/run.py --man writes it")
    return 0 if found == wanted else 1
