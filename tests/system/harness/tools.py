"""Builds tests/tools/*.c, each once as long as it is the same: an emulated machine takes the host's."""

import hashlib
import platform
from functools import cache
from pathlib import Path

from .env import SOURCE, Skip, run

_TOOLS, _BUILT = SOURCE / "tests" / "tools", SOURCE / "build" / "tools"
_TINY = ["-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-builtin", "-s", "-Wno-unused-function",
         "-Wl,--build-id=none", "-Wl,-z,noseparate-code"]


def _compile(name: str, source: str, *flags: str) -> Path:
    options = ("-O2", "-Wall", "-Wextra", *flags)
    said = hashlib.sha256(repr((source, options)).encode())
    for file in (_TOOLS / source, *sorted(_TOOLS.glob("*.h"))):
        said.update(file.read_bytes())
    out = _BUILT / f"{name}-{said.hexdigest()[:16]}"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        making = out.with_name(f"{out.name}.part")
        run("/usr/bin/gcc", "-o", making, _TOOLS / source, *options, check=True)
        making.rename(out)
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


def lingering_payload() -> bytes:
    """One that goes on for half a second: what kills it after the fact comes before its end."""
    return tiny("payload-lingering", "payload.c", '-DSALT="lingering"', "-DLINGERS")


def chameleon() -> bytes:
    return tiny("chameleon", "chameleon.c")


def with_interpreter(interpreter: str, *flags: str) -> bytes:
    """A dynamic program (of the machine's own architecture) that asks for this ELF interpreter."""
    assert platform.machine() in ("x86_64", "aarch64")
    name = "interp-" + interpreter.strip("/").replace("/", "-") + "".join(flags)
    return _compile(name, "payload.c", *_TINY, '-DSALT="interp"', *flags, "-fPIE", "-pie",
                    f"-Wl,-dynamic-linker,{interpreter}").read_bytes()


def loader() -> bytes:
    """An ELF interpreter: what ld.so is, in small."""
    return _compile("loader", "loader.c", *_TINY, "-fPIE", "-static-pie", "-Wl,--no-dynamic-linker").read_bytes()


# --- a C library in an image -------------------------------------------------------------------------------------

_MACHINE_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
LOADER = "/lib/ld-glibc.so"  # where the images have it, whatever the machine


def glibc() -> dict[str, bytes]:
    """The machine's own C library and its loader, by their paths in an image."""
    machine_loader = next(Path(path) for path in _MACHINE_LOADERS if Path(path).exists())
    found = run("/usr/bin/gcc", "-print-file-name=libc.so.6", check=True).out.strip()
    return {LOADER: machine_loader.read_bytes(), "/lib/libc.so.6": Path(found).read_bytes()}


def musl_loader() -> bytes:
    """musl's loader, which is its C library, too."""
    found = sorted(Path("/lib").glob("ld-musl-*.so.1"))
    if not found:
        raise Skip("musl is not installed (Debian's package musl)")
    return found[0].read_bytes()


@cache
def dynamic(name: str) -> bytes:
    """tests/tools/NAME.c as a program that needs the images' C library."""
    return _compile(name, f"{name}.c", f"-Wl,-dynamic-linker,{LOADER}").read_bytes()


@cache
def library(*flags: str) -> bytes:
    """tests/tools/library.c as a shared object."""
    return _compile("library" + "".join(flags) + ".so", "library.c", "-fPIC", "-shared", *flags).read_bytes()
