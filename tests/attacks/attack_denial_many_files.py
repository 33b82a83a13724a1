"""10,000 different drifted programs, one after the other."""

from harness.env import TestError

ROW = "verdict denial of service"
MODES = ("prevent",)


def attempt(container):
    out = container.exec("/attack/manyfiles", 10000, "/attack/payload.bin", "/tmp", timeout=120).out.strip()
    if not out.endswith("ran=0 denied=10000 other=0"):
        raise TestError(f"not all were denied: {out[-300:]}")
    if container.exec("/usr/local/bin/tool").out != "tool v1\n":
        raise TestError("image code does not run afterwards")
