"""A memfd made before Holdfast started, executed afterwards."""

ROW = "memory"
WHEN = "before"
PREPARE = "/attack/memfd held /attack/linger.bin $TAG >/dev/null 2>&1 &"
PREVENT = ("killed fileless",)
DETECT = ("told fileless",)
SCRIPT = r"""touch /tmp/go; sleep 1"""
