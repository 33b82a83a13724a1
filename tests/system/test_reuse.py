"""Device numbers are reused at once; verdicts, baselines and memory are not."""

import shutil

from harness import tools
from harness.env import WORK, run, wait_until
from harness.lab import check, equal

_COUNT = 200


def _one(lab, service, image, own: str, other: str) -> int:
    """A container that runs its own image's program, and the other image's at the path where that image has it."""
    container = lab.runtime("crun").create(image=image, argv=["/bin/sh", "-c", f"/usr/local/bin/tool; /usr/local/bin/only-{own}; "
                                                              f"/usr/local/bin/only-{other}; echo $?"])
    container.plant(f"/usr/local/bin/only-{other}", tools.text_tool(f"only v{other}"))
    runtime = container.runtime
    runtime.mount(container)
    device = runtime.root_device(container)
    runtime.configure(container)
    result = runtime.launch(container)
    container.remove()
    said = [line for line in result.out.splitlines() if not line.startswith("/bin/sh:")]
    equal(said, [f"tool v{own}", f"only v{own}", "126"], f"what a container of image {own} says")
    service.alerts.wait(container, path=f"/usr/local/bin/only-{other}", reason="added", verdict="deny")
    return device


def test_200_containers_of_two_images_alternately(lab):
    lab.runtime("crun").require()
    service = lab.service()
    devices = []
    for number in range(_COUNT):
        own, other = ("1", "2") if number % 2 == 0 else ("2", "1")
        image = lab.images.app if own == "1" else lab.images.app2
        devices.append(_one(lab, service, image, own, other))
    equal(len(service.alerts.drift()), _COUNT, "alerts, one for each container's foreign program")
    check(len(set(devices)) < _COUNT, "no device number was reused, so this proves nothing")
    wait_until("containers that ended are forgotten", lambda: not service.containers(), 15)
    return f"{len(set(devices))} device numbers"


def test_who_runs_on_the_number_of_one_that_ended_is_not_taken_for_it(lab):
    """Containers of a runtime that the service does not know, each after one that it guards."""
    runtime = lab.runtime("crun")
    runtime.require()
    unlisted = WORK / "unlisted" / "crun"
    unlisted.parent.mkdir()
    run("cp", shutil.which("crun"), unlisted, check=True)
    service = lab.service()
    devices = []
    for _ in range(20):
        for program in ("crun", unlisted):
            container = runtime.create(argv=["/opt/own"] if program == unlisted else ["/usr/local/bin/tool"])
            container.plant("/opt/own", tools.text_tool("own"))
            runtime.mount(container)
            devices.append(runtime.root_device(container))
            runtime.configure(container)
            result = run(program, "--root", runtime.state, "run", "-b", runtime.folder / container.name / "bundle", container.name)
            container.remove()
            if program == unlisted:
                equal((result.status, result.out), (0, "own\n"), "what an unguarded container's own program did")
            else:
                equal(result.status, 0, "exit status of image code")
    check(len(set(devices)) < len(devices), "no device number was reused, so this proves nothing")
    equal([a for a in service.alerts.all() if a["kind"] == "drift"], [], "alerts")


def _settled_marks(service) -> int:
    """How many fanotify marks there are when their number has not changed for a second."""
    counts = []

    def settled():
        counts.append(len(service.fanotify_marks()))
        return len(counts) >= 10 and len(set(counts[-10:])) == 1

    wait_until("the number of fanotify marks stands still", settled, 15, interval=0.1)
    return counts[-1]


def test_ended_containers_are_forgotten_with_their_marks_and_memory(lab):
    lab.runtime("crun").require()
    service = lab.service()

    def life(count):
        for _ in range(count):
            container = lab.runtime("crun").create(argv=["/usr/local/bin/tool"])
            container.runtime.mount(container)
            container.runtime.configure(container)
            container.runtime.launch(container)
            container.remove()
        wait_until("containers that ended are forgotten", lambda: not service.containers(), 15)

    life(20)
    settled, memory = _settled_marks(service), service.memory()
    life(60)
    # Who wrote what is followed by a thread that looks for ended containers five times a second.
    wait_until(f"as many fanotify marks as before ({settled})", lambda: len(service.fanotify_marks()) <= settled, 15)
    marks_after, memory_after = len(service.fanotify_marks()), service.memory()
    check(memory_after < memory + 6 * 1024 * 1024, f"resident memory grew from {memory} to {memory_after} bytes")
    return f"{marks_after} marks, {memory_after // 1024} KiB"


def test_several_containers_of_one_image_share_its_baseline(lab):
    service = lab.service()
    containers = [lab.run() for _ in range(4)]
    for container in containers:
        equal(container.exec("/usr/local/bin/tool").status, 0, "exit status of image code")
    equal(len(service.containers()), 4, "containers")
    equal(len({listed["baseline"]["id"] for listed in service.containers()}), 1, "baselines")
