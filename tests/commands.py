#!/usr/bin/python3
"""Every command and option that `holdfast --help` tells of is in holdfast(1) and in both shells' completions, and none is
in the manual that the program does not have."""

import re
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[1]
_CLI = _SOURCE / "build/stage/usr/bin/holdfast"


def said(*words: str) -> str:
    return subprocess.run([_CLI, *words, "--help"], capture_output=True, text=True, check=True).stdout


def commands() -> list[str]:
    """Those of the overview, and of each group that it names."""
    names = []
    for name, group in re.findall(r"^  ([a-z]+)( \.\.\.)? {2,}", said(), re.M):
        names += re.findall(rf"^  ({name} [a-z]+) {{2,}}", said(name), re.M) if group else [name]
    return names


def options(text: str) -> set[str]:
    return set(re.findall(r"^\s+(?:-\w, )?--([a-z-]+)", text, re.M))


def entry(page: str, name: str) -> str:
    """The command's parts of the manual: each from an item of its own to the next one."""
    return "".join(re.findall(rf"^\.It Cm {re.escape(name)}\b.*?(?=^\.It Cm |^\.Sh )", page, re.M | re.S))


def main() -> int:
    wrong = []
    page = (_SOURCE / "man/holdfast.1").read_text()
    completions = [(file, (_SOURCE / "packaging/completions" / file).read_text()) for file in ("holdfast.bash", "_holdfast")]
    everywhere, names = options(said()) | {"json", "socket", "help", "version"}, commands()
    if len(names) < 10:
        wrong.append(f"only {names} in holdfast --help")
    for name in names:
        text = entry(page, name)
        own = options(said(*name.split())) - everywhere
        if not text:
            wrong.append(f"holdfast(1) does not tell of: holdfast {name}")
        for option in own:
            if not re.search(rf"Fl -{option}\b", text):
                wrong.append(f"holdfast(1) does not tell of: holdfast {name} --{option}")
            wrong += [f"{file} does not offer --{option}" for file, offered in completions if f"--{option}" not in offered]
        wrong += [f"{file} does not offer: holdfast {name}" for file, offered in completions if name.split()[-1] not in offered]
        for told in set(re.findall(r"Fl -([a-z-]+)", " ".join(re.findall(r"^\.It Cm .*", text, re.M)))) - own - everywhere:
            wrong.append(f"holdfast(1) tells of an option that there is not: holdfast {name} --{told}")
    for option in everywhere:
        if not re.search(rf"Fl -{option}\b", page):
            wrong.append(f"holdfast(1) does not tell of --{option}")
    for told in re.findall(r"^\.It Cm ([a-z]+(?: [a-z]+)?)", page[page.index(".Sh COMMANDS"):page.index(".Sh ENVIRONMENT")], re.M):
        if told not in names:
            wrong.append(f"holdfast(1) tells of a command that there is not: {told}")
    print("\n".join(wrong) or f"{len(names)} commands are in the manual and in the completions")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
