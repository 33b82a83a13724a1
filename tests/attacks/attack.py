"""What an attempt's file says, and how it is tried: unguarded (it must work), in prevent mode and in detect mode.

An attempt's file has a docstring (the attempt in words) and:
  ROW       the class of the list of attempts
  REASON    the drift reason of its denial and of its one alert; SILENT instead: image code, runs without an alert
  SCRIPT    shell, run as root in the container; $TAG is the name of the marker that the payload must leave
            (/tmp/RAN-$TAG). A silent attempt says RAN itself.
and where needed:
  WHEN      "running" (default) | "first": SCRIPT is the container's first process and runs `/drift/payload`
            | "before": the container runs and PREPARE is done before the service starts | "restarted": PREPARE,
            stop, start, then SCRIPT
  PREPARE   shell that is run earlier, see WHEN
  CAPABILITIES  beyond the runtime's defaults
  POLICY    a policy file's text for this attempt; %MODE% stands for the mode, %VERDICT% for deny or (detect) alert
  MODES     ("prevent", "detect") by default
  attempt(container) -> None   instead of SCRIPT, for attempts that are no shell script: raises TestError if something ran
                     that was not judged
"""

import contextlib
from dataclasses import dataclass
from types import ModuleType

from harness import tools
from harness.env import TestError, wait_until
from harness.lab import Lab
from harness.runtimes import Container
from harness.service import Service

DEFAULT_POLICY = "[Drift]\nMode=%MODE%\n[Allow plugins]\nPath=/opt/plugins/*\n"


@dataclass
class Attack:
    name: str
    module: ModuleType

    def get(self, key, default=None):
        return getattr(self.module, key, default)

    @property
    def row(self) -> str:
        return self.module.ROW

    @property
    def silent(self) -> bool:
        return self.get("SILENT", False)

    @property
    def modes(self) -> tuple[str, ...]:
        return self.get("MODES", ("prevent", "detect"))

    def prepare(self, lab: Lab, mode: str) -> Container:
        """A container for the attempt in that mode, not started yet."""
        argv = ["/bin/sh", "-c", self.script(mode)] if self.get("WHEN") == "first" else None
        container = lab.create("crun", argv=argv, name=f"hftest-{self.name.replace('_', '-')}-{mode}")
        container.capabilities += self.get("CAPABILITIES", [])
        container.plant("/tmp/keep", b"", 0o644)
        if self.get("WHEN") == "first":
            container.plant("/drift/payload", tools.payload())
        return container

    def script(self, mode: str) -> str:
        return f"TAG={self.tag(mode)}\n{self.get('SCRIPT')}"

    def tag(self, mode: str) -> str:
        return f"{self.name}-{mode}"

    def begin(self, container: Container, mode: str):
        """Brings the container to the point where the attempt is made."""
        if self.get("WHEN") == "first":
            return
        result = container.start()
        if result.status != 0:
            raise TestError(f"the container does not start: {result}")
        if self.get("PREPARE"):
            container.sh(f"TAG={self.tag(mode)}\n{self.get('PREPARE')}")
        if self.get("WHEN") == "restarted":
            container.stop()
            if (result := container.start()).status != 0:
                raise TestError(f"the container does not start again: {result}")

    def make(self, container: Container, mode: str) -> bool:
        """Makes the attempt; whether the payload (or the image code) ran."""
        if self.get("attempt"):
            self.module.attempt(container)
            return False
        if self.get("WHEN") == "first":
            out = container.start().out
        else:
            out = container.sh(self.script(mode), timeout=60).out
        if self.silent:
            return "RAN" in out
        if self.get("WHEN") == "first" and mode != "prevent":  # a detached start does not wait for what the container does
            with contextlib.suppress(TestError):
                wait_until("the marker", lambda: container.ran(self.tag(mode)), 5)
        return container.ran(self.tag(mode))

    def policy(self, mode: str) -> str:
        text = self.get("POLICY", "")
        return text.replace("%MODE%", mode).replace("%VERDICT%", "deny" if mode == "prevent" else "alert")

    # --- the three ways ------------------------------------------------------------------------------------------

    def unguarded(self, lab: Lab) -> str:
        """Without the service the attempt works; else it proves nothing."""
        if self.get("attempt"):
            return "-"
        container = self.prepare(lab, "off")
        self.begin(container, "off")
        if not self.make(container, "off"):
            raise TestError("does not even work without the service")
        return "runs"

    def guarded(self, container: Container, service: Service, fence: Container, mode: str) -> str:
        if self.get("WHEN") != "before":
            self.begin(container, mode)
        ran = self.make(container, mode)
        if self.get("attempt"):
            return "held"
        if self.silent:
            if not ran:
                raise TestError("image code did not run")
            service.alerts.expect_none(container)
            return "runs, silent"
        if mode == "prevent" and ran:
            raise TestError("the payload RAN")
        if mode == "detect" and not ran:
            raise TestError("detect mode stopped it")
        verdict = "deny" if mode == "prevent" else "allow"
        reason = self.module.REASON
        service.alerts.wait(container, reason=reason, verdict=verdict)
        service.alerts.fence(fence)
        found = {(a["verdict"], a["reason"]) for a in service.alerts.drift(container)}
        number = len(service.alerts.drift(container))
        if found != {(verdict, reason)} or number != 1:
            raise TestError(f"{number} alerts {sorted(found)} instead of one: {verdict} {reason}")
        return f"{'denied' if mode == 'prevent' else 'told once'}: {reason}"
