"""Labels that only the engines know: a policy's `Label=` fits by them, at the first start and for what runs already."""

from harness.env import wait_until
from harness.lab import check, equal

RUNTIMES = ["podman-crun", "podman-runc", "rootless", "containerd", "cri", "docker"]
_DRIFT = "cp /attack/payload.bin /tmp/added; chmod 755 /tmp/added; /tmp/added"


def test_label_gives_a_container_its_policy(lab, runtime):
    name = f"hftest-labelled-{runtime}"
    service = lab.service(drift="Mode=detect", policies={
        "50-label.policy": f"[Match]\nLabel=hftest={name}\n[Drift]\nMode=prevent\n"})
    container, other = lab.run(runtime, name=name), lab.run(runtime)
    check(container.sh(_DRIFT).status == 126, "drift has run in the container with the label")
    equal(other.sh(_DRIFT).status, 0, "the status of drift in a container with another label")
    check("cannot be read" not in service.log.read_text(), "the service could not read labels")
    service.stop()
    service.start()

    def policy():
        return {i: p for i, p in service.containers("id", "policy") if i in (container.id, other.id)}

    # Found running now: by what its processes tell.
    wait_until("both containers", lambda: len(policy()) == 2, 15)
    wait_until("the policy by the label", lambda: policy() == {container.id: "50-label.policy", other.id: "default"}, 15)
    check("cannot be read" not in service.log.read_text(), "the service could not read labels")


def test_label_that_cannot_be_read_is_told(lab):
    service = lab.service(drift="Mode=detect", policies={
        "50-label.policy": "[Match]\nLabel=hftest=any\n[Drift]\nMode=prevent\n",
        "40-other.policy": "[Match]\nImage=no-such-image\nLabel=hftest=any\n[Drift]\nMode=prevent\n"})
    podman = lab.runtime("podman-crun")
    container = lab.create("podman-crun")
    database = container.upper.parents[2] / "libpod" / "bolt_state.db"
    check(database.exists(), f"podman has no {database}")
    # As a newer Podman, which keeps another one.
    hidden = database.with_suffix(".hidden")
    container.start()
    wait_until("the container", lambda: (container.id,) in service.containers("id"))
    check("cannot be read" not in service.log.read_text(), "labels that can be read are said not to be")
    database.rename(hidden)
    try:
        service.stop()
        service.start()
        wait_until("the words", lambda: "policy 50-label.policy asks for a label" in service.log.read_text(), 15)
        shown = service.json("policy", "show", container.id)
        equal((shown["policy"]["name"], shown["labels_known"], shown["missed_for_labels"]), ("default", False, "50-label.policy"),
              "what policy show says")
        check("40-other.policy" not in service.log.read_text(), "a policy that would not fit anyway is told of")
    finally:
        hidden.rename(database)
    check(podman.inspect(container)["State"]["Running"], "the container has ended")
