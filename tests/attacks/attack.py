"""What an attempt's file says, and how it is tried: unguarded (it must work), in prevent mode and in detect mode.

An attempt's file has a docstring (the attempt in words) and:
  ROW       the class of the list of attempts
  REASON    the drift reason of its denial and of its one alert
  SCRIPT    shell, run as root in the container; $TAG is the name of the marker that the payload must leave
            (/tmp/RAN-$TAG). A silent attempt says RAN itself.
Instead of REASON, where it is not simply denied or told:
  PREVENT   how it may end in prevent mode, one of: "denied REASON" | "killed REASON": it ran for a moment, its payload
            must linger (payload.c) | "refused": the kernel itself refuses, nobody is told | "told REASON": it runs and is
            told once | "silent": it runs and nobody is told
  DETECT    the same for detect mode
  HERE      what of PREVENT this machine's kernel makes of it, where kernels differ
  SILENT    True: runs without an alert in both modes, being image code
  STATED    why it runs without an alert although it is not image code: stated as out of scope
and where needed:
  WHEN      "running" (default) | "first": SCRIPT is the container's first process and runs `/drift/payload`
            | "before": the container runs and PREPARE is done before the service starts | "restarted": PREPARE,
            stop, start, then SCRIPT
  PREPARE   shell that is run earlier, see WHEN
  CAPABILITIES  beyond the runtime's defaults
  MOUNTS    further mounts of the container, as OCI has them; made by volume() and tmpfs()
  DEVICES   further devices, as Container.devices has them
  FILE_MOUNTS   True: the volumes are single files, not directories
  around(container)   a context manager that is entered while the attempt is made
  POLICY    a policy file's text for this attempt; %MODE% stands for the mode, %VERDICT% for deny or (detect) alert
  MODES     ("prevent", "detect") by default
  NEEDS     a function that raises Skip where the machine lacks what the attempt needs
  IMAGE     a function that returns the image, if not the usual one; ARGV: the first process, if not the image's
  FILES     data files that the container has, by path
  STRESS    True: a race that is run for a while, at the same time as the others; in prevent mode its
            policy is STRESS_POLICY
  attempt(scene) -> str | None   instead of SCRIPT, for attempts that are no shell script: raises TestError if something ran
            that was not judged; what it returns is the table's cell. Tried unguarded only with UNGUARDED = True.
"""

import contextlib
from dataclasses import dataclass
from types import ModuleType

from harness import tools
from harness.env import WORK, TestError, wait_until
from harness.lab import Lab
from harness.runtimes import Container
from harness.service import Service

DEFAULT_POLICY = "[Drift]\nMode=%MODE%\n[Allow plugins]\nPath=/opt/plugins/*\n"

VOLUMES_POLICY = "[Drift]\nMode=%MODE%\nVolume=%VERDICT%\n"

STRESS_POLICY = "[Match]\nContainer=hftest-stress-*\n[Drift]\nMode=prevent\nOnDeadline=deny\n"

# What stops an attempt that ends so.
MECHANISMS = {"denied": "gate", "killed": "net", "refused": "kernel setting", "told": "policy", "silent": "allowed"}
_VERDICTS = {"denied": "deny", "killed": "killed", "told": "allow"}


def volume(destination: str, *options: str, source: str = "") -> dict:
    """A bind mount of a host directory made for the attempt, with the lingering payload in it as `evil`."""
    return {"destination": destination, "type": "bind", "source": f"%HOST%{source or destination}",
            "options": ["bind", *(options or ("rw",))]}


def tmpfs(destination: str, *options: str) -> dict:
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": list(options or ("rw",))}


@dataclass
class Scene:
    """What an attempt() works with; there is no service while nothing guards."""

    container: Container
    lab: Lab
    service: Service | None
    fence: Container | None
    mode: str  # off | prevent | detect
    tag: str


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
    def words(self) -> str:
        return (self.module.__doc__ or "").strip().splitlines()[0].rstrip(".")

    @property
    def modes(self) -> tuple[str, ...]:
        return self.get("MODES", ("prevent", "detect"))

    def ends(self, mode: str) -> tuple[str, ...]:
        """How the attempt may end in that mode."""
        if self.get("SILENT") or self.get("STATED"):
            return ("silent",)
        if mode == "prevent":
            return self.get("PREVENT") or (f"denied {self.module.REASON}",)
        return self.get("DETECT") or (f"told {self.module.REASON}",)

    @property
    def mechanism(self) -> str:
        if self.get("STATED"):
            return "stated"
        if self.get("MECHANISM") or self.get("attempt"):
            return self.get("MECHANISM", "gate")
        words = [MECHANISMS[end.split()[0]] for end in self.ends("prevent")]
        return " or ".join(dict.fromkeys(words))

    def prepare(self, lab: Lab, mode: str) -> Container:
        """A container for the attempt in that mode, not started yet."""
        if self.get("NEEDS"):
            self.get("NEEDS")()
        argv = ["/bin/sh", "-c", self.script(mode)] if self.get("WHEN") == "first" else self.get("ARGV")
        image = self.get("IMAGE")() if self.get("IMAGE") else None
        container = lab.create("crun", image=image, argv=argv, name=f"hftest-{self.name.replace('_', '-')}-{mode}")
        container.capabilities += self.get("CAPABILITIES", [])
        container.devices += self.get("DEVICES", [])
        container.mounts += self.mounts(container)
        container.plant("/tmp/keep", b"", 0o644)
        for path, text in self.get("FILES", {}).items():
            container.plant(path, text.encode(), 0o644)
        if self.get("WHEN") == "first":
            container.plant("/drift/payload", tools.payload())
        return container

    def mounts(self, container: Container) -> list[dict]:
        host = WORK / "volumes" / container.name
        made = []
        for mount in self.get("MOUNTS", []):
            mount = {**mount, "source": mount["source"].replace("%HOST%", str(host))}
            if mount["type"] == "bind":
                self._make_volume(host, mount)
            made.append(mount)
        return made

    def _make_volume(self, host, mount: dict):
        source = host.__class__(mount["source"])
        if not self.get("FILE_MOUNTS"):
            source.mkdir(parents=True, exist_ok=True)
            source /= "evil"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(tools.lingering_payload())
        source.chmod(0o755)

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

    def make(self, container: Container, mode: str) -> tuple[bool, str]:
        """Makes the attempt; whether the payload (or the image code) ran, and what the attempt printed."""
        with self.get("around", contextlib.nullcontext)(container):
            if self.get("WHEN") == "first":
                out = container.start().out
            else:
                out = container.sh(self.script(mode), timeout=60).out
        if self.ends(mode) == ("silent",) and not self.get("STATED"):
            return "RAN" in out, out
        if self.get("WHEN") == "first" and mode != "prevent":  # a detached start does not wait for what the container does
            with contextlib.suppress(TestError):
                wait_until("the marker", lambda: container.ran(self.tag(mode)), 5)
        return container.ran(self.tag(mode)), out

    def policy(self, mode: str) -> str:
        text = self.get("POLICY", "")
        return text.replace("%MODE%", mode).replace("%VERDICT%", "deny" if mode == "prevent" else "alert")

    # --- the three ways ------------------------------------------------------------------------------------------

    def unguarded(self, lab: Lab) -> str:
        """Without the service the attempt works; else it proves nothing."""
        if self.get("attempt") and not self.get("UNGUARDED"):
            return "-"
        container = self.prepare(lab, "off")
        self.begin(container, "off")
        if self.get("attempt"):
            return self.module.attempt(Scene(container, lab, None, None, "off", self.tag("off"))) or "runs"
        ran, out = self.make(container, "off")
        if not ran:
            raise TestError(f"does not even work without the service: {out.strip()[-400:]}")
        return "runs"

    def guarded(self, container: Container, lab: Lab, service: Service, fence: Container, mode: str) -> str:
        if self.get("WHEN") != "before":
            self.begin(container, mode)
        if self.get("attempt"):
            return self.module.attempt(Scene(container, lab, service, fence, mode, self.tag(mode))) or "held"
        ran, out = self.make(container, mode)
        allowed = self.get("HERE") if mode == "prevent" and self.get("HERE") else self.ends(mode)
        if not any(end in ("silent", "refused") for end in allowed):
            wait_until("an alert", lambda: service.alerts.drift(container), 10)
        service.alerts.fence(fence)
        end = self.end(container, service, mode, ran, out)
        if end not in allowed:
            raise TestError(f"{end} instead of {' or '.join(allowed)}; it said {out.strip()[-300:]!r}")
        return self.cell(end, ran)

    def end(self, container: Container, service: Service, mode: str, ran: bool, out: str) -> str:
        """How the attempt ended, as PREVENT and DETECT say it; an error where what happened and what was told differ."""
        finished = container.ran(f"{self.tag(mode)}-TO-THE-END")
        alerts = [(a["verdict"], a["reason"]) for a in service.alerts.drift(container)]
        if not alerts:
            return "silent" if ran else "refused" if "refused: " in out else "stopped, and nobody was told"
        if len(alerts) > 1 or service.alerts.drift(container)[0].get("repeats"):
            told = [{key: value for key, value in alert.items() if key not in ("container", "host", "baseline")}
                    for alert in service.alerts.drift(container)]
            raise TestError(f"{len(alerts)} alerts {sorted(set(alerts))} instead of one: {told}")
        verdict, reason = alerts[0]
        end = next((word for word, said in _VERDICTS.items() if said == verdict), verdict)
        if end == "denied" and ran:
            raise TestError(f"the payload RAN, although it is told as denied: {reason}")
        if end == "killed" and finished:
            raise TestError(f"the payload ran to its end, although it is told as killed: {reason}")
        if end == "told" and not ran:
            raise TestError(f"it is told as allowed ({reason}), but did not run: {out.strip()[-300:]!r}")
        return f"{end} {reason}"

    def cell(self, end: str, ran: bool) -> str:
        if self.get("STATED"):
            return "runs: stated"
        word, _, reason = end.partition(" ")
        return {"denied": f"denied: {reason}", "told": f"told once: {reason}", "silent": "runs, silent",
                "killed": f"killed: {reason} ({'had begun' if ran else 'before its first write'})",
                "refused": "refused by the kernel"}[word]
