"""The ways of drifting a container that every runtime is tried with, as one shell script and what must come of it."""

from dataclasses import dataclass

from harness.env import TestError
from harness.runtimes import Container


@dataclass
class Step:
    """`prepare` is shell; `path` is executed then, and is drift for `reason`; `status` is the program's if it runs."""

    name: str
    prepare: str
    path: str
    reason: str
    status: int = 0


STEPS = [
    Step("added", "cp /attack/payload.bin /tmp/added; chmod 755 /tmp/added", "/tmp/added", "added"),
    Step("added-script", "printf '#!/bin/sh\\n:\\n' >/tmp/script; chmod 755 /tmp/script", "/tmp/script", "added"),
    Step("appended", "echo x >>/usr/local/bin/appended", "/usr/local/bin/appended", "modified"),
    Step("rewritten", "cat /attack/payload.bin >/usr/local/bin/rewritten", "/usr/local/bin/rewritten", "modified"),
    Step("restored-times", "/attack/flip /opt/chameleon-0", "/opt/chameleon-0", "modified", status=66),
    Step("renamed", "cp /attack/payload.bin /tmp/n; chmod 755 /tmp/n; mv /tmp/n /usr/local/bin/renamed",
         "/usr/local/bin/renamed", "modified"),
    Step("deleted-and-new", "rm /usr/local/bin/linked; cp /attack/payload.bin /usr/local/bin/linked; chmod 755 /usr/local/bin/linked",
         "/usr/local/bin/linked", "modified"),
    Step("changed-script", "printf '#!/bin/sh\\necho jello\\n' >/usr/local/bin/hello", "/usr/local/bin/hello", "modified"),
    Step("made-executable", "chmod 755 /opt/data.bin", "/opt/data.bin", "made-executable"),
]

# Image files that were touched, and copies of image files: the image's code, wherever it lies.
UNTOUCHED = ["/usr/local/bin/tool", "/usr/local/bin/replaced", "/usr/local/bin/only-1"]
TOUCHED = {"/usr/local/bin/touched": "touch /usr/local/bin/touched", "/usr/local/bin/chowned": "chown 12:34 /usr/local/bin/chowned",
           "/usr/local/bin/chmodded": "chmod 700 /usr/local/bin/chmodded"}
COPIES = {"/tmp/copy": "cp /usr/local/bin/spare /tmp/copy", "/tmp/link": "ln /usr/local/bin/spare /tmp/link",
          "/tmp/moved": "mv /usr/local/bin/moved /tmp/moved"}


def statuses(container: Container, script: list[tuple[str, str]]) -> dict[str, int]:
    """Runs (preparation, path) one after the other in one shell; the exit status of each path. 126: refused."""
    lines = [f"{prepare} || echo 'FAILED preparing {path}'; {path} >/dev/null 2>&1; echo \"STATUS {path} $?\""
             for prepare, path in script]
    result = container.sh("\n".join(lines))
    if "FAILED" in result.out:
        raise TestError(f"the preparation failed: {result}")
    words = [line.split() for line in result.out.splitlines() if line.startswith("STATUS ")]
    if len(words) != len(script):
        raise TestError(f"{len(words)} of {len(script)} steps were made: {result}")
    return {path: int(status) for _, path, status in words}


def drift(container: Container) -> dict[str, int]:
    return statuses(container, [(step.prepare, step.path) for step in STEPS])
