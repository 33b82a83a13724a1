"""Huge drifted files keep the service busy while a small one is executed, OnDeadline=allow."""

from harness.env import TestError

ROW = "verdict denial of service"
MODES = ("prevent",)
POLICY = "[Drift]\nMode=%MODE%\nOnDeadline=allow\n"

_SCRIPT = r"""
for i in $(seq 24); do
  cp /attack/payload.bin /tmp/hog-$i; chmod 755 /tmp/hog-$i; truncate -s ${i}00G /tmp/hog-$i
  /tmp/hog-$i & /tmp/hog-$i & /tmp/hog-$i &
done
for i in $(seq 5); do cp /attack/payload.bin /tmp/evil-$i; chmod 755 /tmp/evil-$i; /tmp/evil-$i; done
wait
"""


def attempt(scene):
    """What such files are is known without reading a byte of them; their hashes, for the alerts, are nobody's business to wait for."""
    scene.container.sh(_SCRIPT, timeout=120)
    ran = [name for i in range(1, 25) for name in (f"hog-{i}", f"evil-{i}") if scene.container.ran(name)]
    if ran:
        raise TestError(f"drift ran because its verdict came too late: {ran}")
