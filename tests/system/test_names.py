"""Labels that only the engines know: a policy's `Label=` fits by them, at the first start and for what runs already."""

import json
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

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


def test_container_that_goes_when_it_ends_has_its_names_from_the_start(lab):
    service = lab.service(drift="Mode=detect", policies={
        "50-image.policy": f"[Match]\nImage={lab.images.app.reference}\n[Drift]\nMode=prevent\n"})
    for runtime in ("podman-crun", "rootless", "docker"):
        container = lab.run(runtime, options=("--rm",))
        check(container.sh(_DRIFT).status == 126, f"{runtime}: drift has run in the container of that image")
        said = service.alerts.wait(container, path="/tmp/added")[0]["container"]
        equal({key: said.get(key, "") for key in container.expected()}, container.expected(), f"{runtime}: its names")


def test_label_that_cannot_be_read_is_told(lab):
    service = lab.service(drift="Mode=detect", policies={
        "50-label.policy": "[Match]\nLabel=hftest=any\n[Drift]\nMode=prevent\n",
        "40-other.policy": "[Match]\nImage=no-such-image\nLabel=hftest=any\n[Drift]\nMode=prevent\n"})
    container = lab.run("podman-crun")
    wait_until("the container", lambda: (container.id,) in service.containers("id"))
    check("cannot be read" not in service.log.read_text(), "labels that can be read are said not to be")
    with _no_bolt(container):
        service.stop()
        service.start()
        wait_until("the words", lambda: "policy 50-label.policy asks for a label" in service.log.read_text(), 15)
        shown = service.json("policy", "show", container.id)
        equal((shown["policy"]["name"], shown["labels_known"], shown["missed_for_labels"]), ("default", False, "50-label.policy"),
              "what policy show says")
        check("40-other.policy" not in service.log.read_text(), "a policy that would not fit anyway is told of")
    check(lab.runtime("podman-crun").inspect(container)["State"]["Running"], "the container has ended")


def test_label_in_the_database_of_a_newer_podman(lab):
    service = lab.service(drift="Mode=detect", policies={
        "50-label.policy": "[Match]\nLabel=tier=front\n[Drift]\nMode=prevent\n"})
    container = lab.run("podman-crun")
    wait_until("the container", lambda: (container.id, "default") in service.containers("id", "policy"))
    with _no_bolt(container) as storage:
        newer = storage / "db.sql"
        _as_podman_5_keeps_it(newer, container.id, {"labels": {"tier": "front"}})
        try:
            service.stop()
            service.start()
            wait_until("the policy by the label", lambda: (container.id, "50-label.policy") in service.containers("id", "policy"), 15)
            equal(service.json("policy", "show", container.id)["labels_known"], True, "whether labels are known")
            check("cannot be read" not in service.log.read_text(), "labels that can be read are said not to be")
        finally:
            newer.unlink()


@contextmanager
def _no_bolt(container):
    """Podman's storage without the database of its versions up to 4.7."""
    storage = container.upper.parents[2]
    database = storage / "libpod" / "bolt_state.db"
    check(database.exists(), f"podman has no {database}")
    hidden = database.with_suffix(".hidden")
    database.rename(hidden)
    try:
        yield storage
    finally:
        hidden.rename(database)


def _as_podman_5_keeps_it(file: Path, container: str, config: dict):
    """What Podman 5.4 makes of it, without the tables that are not read."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE ContainerConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, PodID TEXT, JSON TEXT NOT NULL)")
        database.execute("INSERT INTO ContainerConfig VALUES (?, 'name', NULL, ?)", (container, json.dumps(config)))
