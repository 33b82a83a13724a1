"""Many containers at once, each of which begins with drift."""

from concurrent.futures import ThreadPoolExecutor

from harness import tools
from harness.env import run
from harness.lab import check, equal

_COUNT = 50


def test_fifty_containers_at_once_that_begin_with_drift(lab):
    runtime = lab.runtime("crun")
    runtime.require()
    service = lab.service()
    containers = []
    for number in range(_COUNT):
        container = lab.create("crun", argv=["/drift/first", "first"])
        container.plant("/drift/first", tools.payload(str(number % 5)))
        container.plant("/tmp/keep", b"", 0o644)
        runtime.mount(container)
        runtime.configure(container)
        containers.append(container)
    with ThreadPoolExecutor(_COUNT) as pool:
        results = list(pool.map(runtime.launch, containers))
    check(all(result.status != 0 for result in results), "a runtime says that its container has run")
    ran = [container.name for container in containers if container.ran("first")]
    equal(ran, [], "containers whose drifted first program ran")
    for container in containers:
        service.alerts.wait(container, path="/drift/first", reason="added", verdict="deny")
    equal(len(service.alerts.drift(path="/drift/first")), _COUNT, "denials")


def test_fifty_containers_at_once_that_begin_with_image_code(lab):
    runtime = lab.runtime("crun")
    runtime.require()
    service = lab.service()
    containers = [lab.create("crun", argv=["/usr/local/bin/tool"]) for _ in range(_COUNT)]
    for container in containers:
        runtime.mount(container)
        runtime.configure(container)
    with ThreadPoolExecutor(_COUNT) as pool:
        results = list(pool.map(runtime.launch, containers))
    wrong = [result for result in results if result.out != "tool v1\n"]
    equal(wrong, [], "what the containers said")
    equal(service.alerts.drift(), [], "alerts")


def test_runtime_that_is_replaced_is_still_a_barrier(lab):
    """An upgrade puts another file in the runtime's place: the containers that it starts are seen as before."""
    runtime = lab.runtime("crun")
    runtime.require()
    copy = runtime.folder.parent / "upgraded" / "crun"
    copy.parent.mkdir()
    original = run("/bin/sh", "-c", "command -v crun", check=True).out.strip()
    run("cp", original, copy, check=True)
    service = lab.service(service=f"Runtime={copy}")
    run("cp", original, f"{copy}.new", check=True)
    run("mv", f"{copy}.new", copy, check=True)
    service.cli("status")
    container = lab.create("crun", argv=["/drift/first", "first"])
    container.plant("/drift/first", tools.payload())
    container.plant("/tmp/keep", b"", 0o644)
    runtime.mount(container)
    runtime.configure(container)
    run(copy, "--root", runtime.state, "run", "-b", runtime.folder / container.name / "bundle", container.name)
    check(not container.ran("first"), "drift ran in a container that the new runtime started")
    service.alerts.wait(container, path="/drift/first", reason="added", verdict="deny")
