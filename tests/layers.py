#!/usr/bin/env python3
"""Checks the rooms' dependency direction (shared/design.md, "Rooms"): an include may only point down the list."""
import pathlib
import re
import sys

ROOMS = ["cli", "daemon", "control", "gate", "verdict", "container", "baseline", "policy", "alert", "kernel", "base"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"holdfast/([a-z]+)/', re.M)


def room_of(path, root):
    parts = path.relative_to(root).parts
    return parts[1] if parts[0] == "src" else parts[2]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    files = [p for top in ("src", "include/holdfast") for p in (root / top).rglob("*") if p.suffix in (".h", ".cpp")]
    wrong = []
    for path in sorted(files):
        room = room_of(path, root)
        if room not in ROOMS:
            wrong.append(f"{path.relative_to(root)}: {room} is no room of the design")
            continue
        for target in INCLUDE.findall(path.read_text()):
            if target not in ROOMS or ROOMS.index(target) < ROOMS.index(room):
                wrong.append(f"{path.relative_to(root)}: {room} must not include from {target}")
    for line in wrong:
        print(line)
    print(f"{len(files)} files looked at, {len(wrong)} wrong includes")
    return 1 if wrong or not files else 0


sys.exit(main())
