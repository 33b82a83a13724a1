"""Device numbers are reused at once; verdicts, baselines and memory are not."""

from harness import tools
from harness.env import wait_until
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
        return len(service.fanotify_marks()), service.memory()

    marks, memory = life(20)
    marks_after, memory_after = life(60)
    check(marks_after <= marks, f"fanotify marks grew from {marks} to {marks_after}")
    check(memory_after < memory + 6 * 1024 * 1024, f"resident memory grew from {memory} to {memory_after} bytes")
    return f"{marks_after} marks, {memory_after // 1024} KiB"


def test_several_containers_of_one_image_share_its_baseline(lab):
    service = lab.service()
    containers = [lab.run() for _ in range(4)]
    for container in containers:
        equal(container.exec("/usr/local/bin/tool").status, 0, "exit status of image code")
    equal(len(service.containers()), 4, "containers")
    equal(len({listed["baseline"]["id"] for listed in service.containers()}), 1, "baselines")
