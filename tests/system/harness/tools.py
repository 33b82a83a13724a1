"""Builds tests/tools/*.c into the work directory."""

import platform
from functools import cache
from pathlib import Path

from .env import SOURCE, WORK, run

_TOOLS = SOURCE / "tests" / "tools"
_TINY = ["-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-builtin", "-s", "-Wno-unused-function",
         "-Wl,--build-id=none", "-Wl,-z,noseparate-code"]


def _compile(name: str, source: str, *flags: str) -> Path:
    out = WORK / "tools" / name
    out.parent.mkdir(exist_ok=True)
    run("/usr/bin/gcc", "-O2", "-Wall", "-Wextra", "-o", out, _TOOLS / source, *flags, check=True)
    return out


@cache
def tiny(name: str, source: str, *flags: str) -> bytes:
    """A program without a C library, as bytes."""
    return _compile(name, source, "-static", *_TINY, *flags).read_bytes()


@cache
def tool(name: str) -> bytes:
    """tests/tools/NAME.c, static, as bytes."""
    return _compile(name, f"{name}.c", "-static", "-pthread").read_bytes()


def text_tool(text: str) -> bytes:
    """An image's own program that prints `text`."""
    return tiny("tool-" + text.replace(" ", "-"), "tool.c", f'-DTEXT="{text}"')


def payload(salt: str = "1") -> bytes:
    """A drifted program; payloads of different salt differ in content."""
    return tiny(f"payload-{salt}", "payload.c", f'-DSALT="{salt}"')


def chameleon() -> bytes:
    return tiny("chameleon", "chameleon.c")


def with_interpreter(interpreter: str) -> bytes:
    """A dynamic program (of the machine's own architecture) that asks for this ELF interpreter."""
    assert platform.machine() in ("x86_64", "aarch64")
    name = "interp-" + interpreter.strip("/").replace("/", "-")
    return _compile(name, "payload.c", *_TINY, '-DSALT="interp"', "-fPIE", "-pie",
                    f"-Wl,-dynamic-linker,{interpreter}").read_bytes()


def loader() -> bytes:
    """An ELF interpreter: what ld.so is, in small."""
    return _compile("loader", "loader.c", *_TINY, "-fPIE", "-static-pie", "-Wl,--no-dynamic-linker").read_bytes()
