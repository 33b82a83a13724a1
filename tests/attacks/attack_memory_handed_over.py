"""A memfd made outside the container and handed over a unix socket."""

import contextlib
import os
import socket
import threading

from attack import volume
from harness import tools
from harness.env import WORK

ROW = "memory"
PREVENT = ("killed fileless",)
DETECT = ("told fileless",)
MOUNTS = [volume("/host")]
SCRIPT = r"""/attack/memfd receive - $TAG /host/socket"""


@contextlib.contextmanager
def around(container):
    """Whoever connects to the socket in the shared directory gets the memfd; it is made by a process of the host."""
    path = WORK / "volumes" / container.name / "host" / "socket"
    memory = os.memfd_create("handed-over", os.MFD_CLOEXEC)
    os.write(memory, tools.lingering_payload())
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(path.parent, os.O_PATH)  # the path itself may be too long for a socket
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)
        server.listen()
        threading.Thread(target=_serve, args=(server, memory), daemon=True).start()
        yield
    path.unlink()  # for the next run
    os.close(memory)


def _serve(server: socket.socket, memory: int):
    with contextlib.suppress(OSError):
        channel, _ = server.accept()
        with channel:
            socket.send_fds(channel, [b"x"], [memory])
