"""A read-only volume that the container has writable at another place."""

from attack import volume

ROW = "other superblocks"
PREVENT = ("told volume",)
DETECT = ("told volume",)
MOUNTS = [volume("/rw", source="/both"), volume("/ro", "ro", source="/both")]
SCRIPT = r"""cp /attack/linger.bin /rw/mine; chmod 755 /rw/mine; /ro/mine $TAG"""
