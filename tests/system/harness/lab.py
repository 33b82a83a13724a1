"""What a test works with: images, runtimes and services, all of which end with the test that made them."""

import contextlib

from . import runtimes as all_runtimes
from .env import TestError
from .images import Images
from .runtimes import Container, Runtime
from .service import Service


class Lab:
    def __init__(self, names: list[str]):
        self.images = Images()
        self.runtimes = all_runtimes.make(self.images)
        self.names = [name for name in all_runtimes.NAMES if name in names]
        self._stack = contextlib.ExitStack()
        self._services = 0

    def runtime(self, name: str) -> Runtime:
        return self.runtimes[name]

    def service(self, start=True, **options) -> Service:
        """A service that is stopped at the end of the test, and must end cleanly."""
        self._services += 1
        service = Service(f"s{self._services}", **options)
        self._stack.callback(service.stop)
        return service.start() if start else service

    def keep(self, container: Container) -> Container:
        self._stack.callback(container.remove)
        return container

    def run(self, runtime="crun", **options) -> Container:
        return self.keep(self.runtime(runtime).run(**options))

    def create(self, runtime="crun", **options) -> Container:
        return self.keep(self.runtime(runtime).create(**options))

    def defer(self, function, *arguments):
        self._stack.callback(function, *arguments)

    def clean(self):
        """Ends everything that was made since the last call; the last made first."""
        stack, self._stack = self._stack, contextlib.ExitStack()
        stack.close()

    @contextlib.contextmanager
    def scope(self):
        """What is made inside ends here, not with the enclosing test."""
        outer, self._stack = self._stack, contextlib.ExitStack()
        try:
            yield
        finally:
            self.clean()
            self._stack = outer

    def close(self):
        """Brings down the runtimes; containerd last, which Docker needs."""
        self.clean()
        for name in reversed(list(self.runtimes)):
            if self.runtimes[name].is_up and name not in ("containerd", "cri"):
                self.runtimes[name].down()
        self.runtimes["containerd"].down()


def check(condition, complaint):
    """An assertion that says what was found."""
    if not condition:
        raise TestError(complaint() if callable(complaint) else str(complaint))


def equal(found, wanted, what: str):
    if found != wanted:
        raise TestError(f"{what}: {found!r} instead of {wanted!r}")
