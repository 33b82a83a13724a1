"""A Debian image with interpreters, init systems and just-in-time compilers, for what containers do all day."""

from functools import cache
from pathlib import Path

from . import roots
from .env import run
from .images import SLEEP, Image, Layer

_PACKAGES = "python3,nodejs,luajit,tini,busybox-static,systemd-sysv,dbus,curl,gcc,libc6-dev,python3-pip"

_PYTHON = b"""import ctypes, json, mmap, os, subprocess, sys, threading
assert subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True).stdout == b"42\\n"
assert subprocess.check_output("ls / | wc -l", shell=True)
callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda n: n + 1)
assert callback(41) == 42
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
os.write(os.memfd_create("data"), b"data")
if os.fork() == 0:
    os.execv("/bin/true", ["true"])
assert os.wait()[1] == 0
"""
_NODE = b"""const { execFileSync, spawnSync } = require("child_process");
let sum = 0;
const hot = (n) => { for (let i = 0; i < n; i++) sum = (sum + i * 31) % 65521; return sum; };
for (let i = 0; i < 2000; i++) hot(1000);
if (execFileSync("/bin/echo", ["x"]).toString() !== "x\\n") process.exit(1);
process.exit(spawnSync("sh", ["-c", "true"]).status);
"""
_LUA = b"local s = 0 for i = 1, 5e7 do s = (s + i) % 65521 end assert(os.execute('true') == 0 or true)\n"
_CRON = b"#!/bin/sh\nfor i in 1 2 3 4 5; do date >>/tmp/cron.log; [ -s /tmp/cron.log ] && find /etc -name '*.conf' | head -n 3; done\n"


def archive() -> Path:
    """As mmdebstrap made it; skips where it cannot be made."""
    return roots.archive("debian", _PACKAGES)


class _DebianLayer(Layer):
    """Made by Debian's own tools, not from a list of files."""

    def unpack(self, folder: Path):
        folder.mkdir(parents=True)
        run("tar", "-C", folder, "-xf", archive(), check=True, timeout=120)


@cache
def image() -> Image:
    work = Layer("work", {"/opt/work.py": (b"#!/usr/bin/python3\n" + _PYTHON, 0o755), "/opt/work.js": (_NODE, 0o644),
                          "/opt/work.lua": (_LUA, 0o644), "/opt/cron.sh": (_CRON, 0o755)})
    return Image("hftest-debian", "1", [_DebianLayer("debian"), work], SLEEP)


@cache
def workshop(files: tuple[tuple[str, bytes, int], ...]) -> Image:
    """With what people install software by: apt, curl, a C compiler, pip; and these files in a layer of their own."""
    own = Layer("workshop-files", {path: (content, mode) for path, content, mode in files})
    return Image("hftest-workshop", "1", [_DebianLayer("debian"), own], SLEEP)
