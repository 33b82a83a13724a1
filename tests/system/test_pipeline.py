"""Baselines that travel (`export`, `import`, `diff`), and the CI recipe of holdfast-ci(7), as it is installed."""

import hashlib
import json
import os
from itertools import count

import drift
from harness import tools
from harness.env import SOURCE, STAGE, WORK, run, wait_until
from harness.lab import check, equal
from harness.service import CLI

_numbers = count(1)
_RECIPE = STAGE / "usr/share/doc/holdfast/examples/ci-drift.sh"


def _file(lab, name: str):
    path = WORK / f"{name}-{next(_numbers)}.baseline"
    lab.defer(path.unlink, True)
    return path


def _captured(lab, service, **options):
    container = lab.run(**options)
    wait_until("the capture", lambda: service.baseline_of(container)["state"] == "complete", 30)
    return container, service.baseline_of(container)["id"]


def test_exported_baseline_is_the_archives_and_can_be_imported_elsewhere(lab):
    service, other = lab.service(drift="Mode=detect"), lab.service(drift="Mode=off")
    lab.runtime("podman-crun").require()
    _, baseline = _captured(lab, service, runtime="podman-crun")
    exported, built = _file(lab, "exported"), _file(lab, "built")
    result = service.cli("baseline", "export", baseline, str(exported))
    check(result.status == 0 and "1 image written to" in result.out, f"export: {result}")
    run(CLI, "baseline", "build", lab.images.archive, "--image", lab.images.app.reference, "-o", built, check=True)
    same = service.cli("baseline", "diff", str(built), str(exported))
    equal((same.status, same.out.strip()), (0, "0 differences"), "the archive's and the exported baseline")
    equal(service.cli("baseline", "diff", str(built), baseline).status, 0, "the archive's and the service's")
    run(CLI, "baseline", "build", lab.images.archive, "--image", lab.images.app2.reference, "-o", built, check=True)
    differ = service.cli("baseline", "diff", baseline, str(built), "--json")
    what = {d["path"]: d["what"] for d in json.loads(differ.out)["differences"]}
    equal((differ.status, what["/usr/local/bin/tool"], what["/usr/local/bin/only-1"], what["/usr/local/bin/only-2"]),
          (1, "changed", "removed", "added"), "the two versions of the image")

    imported = other.json("baseline", "import", str(exported))["images"]
    equal([(i["new"], i["files"]) for i in imported], [(True, len(exported.read_text().splitlines()) - 3)], "what came")
    again = other.cli("baseline", "import", str(exported))
    check(again.status == 0 and "0 images imported, 1 here already" in again.out, f"import again: {again}")
    key = imported[0]["id"]
    check(key != baseline, "an import has the id of a captured baseline")
    for _ in range(2):
        equal(other.cli("baseline", "diff", key, str(exported)).status, 0, "the imported and the exported baseline")
        rows = [(b["id"], b["kind"], b["in_use"]) for b in other.json("baseline", "list")["baselines"] if b["kind"] == "imported"]
        equal(rows, [(key, "imported", False)], "its row in baseline list")
        other.stop()
        other.start()
    once_more = _file(lab, "once-more")
    other.cli("baseline", "export", key, str(once_more))
    equal(once_more.read_bytes(), exported.read_bytes(), "an import that is exported again")
    check(other.cli("baseline", "verify", key).status == 2, "an import was verified although it has no layers here")

    broken = _file(lab, "broken")
    broken.write_bytes(exported.read_bytes()[:-20])
    refused = other.cli("baseline", "import", str(broken))
    check(refused.status == 2 and "line " in refused.out, f"import of a file that was cut: {refused}")
    broken.write_text(exported.read_text().replace('"holdfast_baseline":1', '"holdfast_baseline":2'))
    refused = other.cli("baseline", "import", str(broken))
    check(refused.status == 2 and "format 2" in refused.out, f"import of a newer file: {refused}")
    equal(other.json("baseline", "prune", "--imported"), {"removed": 1}, "prune --imported")


def _claim(baseline: str, reference: str, files: dict[str, bytes]) -> str:
    """A baseline file that says these programs are that image's: right in form, false in content."""
    listed = sorted((path.encode(), content) for path, content in files.items())
    digest = hashlib.sha256(b"".join(path + b"\0" + f"0755 {len(content)} {hashlib.sha256(content).hexdigest()}\n".encode()
                                     for path, content in listed)).hexdigest()
    lines = [{"holdfast_baseline": 1, "images": 1},
             {"image": baseline, "kind": "layers", "names": [reference], "digests": [], "platform": "linux/amd64",
              "files": len(listed), "content": digest}]
    lines += [{"path": path.decode(), "mode": "0755", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
              for path, content in listed]
    return "".join(json.dumps(line) + "\n" for line in [*lines, {"end": len(listed)}])


def test_imported_baseline_never_makes_a_file_pass(lab):
    service = lab.service()
    lab.runtime("podman-crun").require()
    container, baseline = _captured(lab, service, runtime="podman-crun")
    forged = _file(lab, "forged")
    forged.write_text(_claim(baseline, lab.images.app.reference, {"/attack/payload.bin": tools.payload(), "/tmp/added": tools.payload()}))
    result = service.json("baseline", "import", str(forged))
    equal([i["new"] for i in result["images"]], [True], "the forged baseline came")
    for restart in (False, True):
        if restart:
            service.stop()
            service.start()
            wait_until("the container", lambda: (container.id,) in service.containers("id"))
        found = container.sh("cp /attack/payload.bin /tmp/added; chmod 755 /tmp/added; /tmp/added")
        check(found.status == 126 and not container.ran("1"), f"the program that the forged baseline names has run: {found}")
    fresh = lab.run("podman-crun")
    check(fresh.sh("cp /attack/payload.bin /tmp/added; chmod 755 /tmp/added; /tmp/added").status == 126,
          "it ran in a container that was started after the import")
    shown = service.json("baseline", "show", lab.images.app.reference)
    equal(shown["id"], baseline, "what the image's name means")
    check("/tmp/added" not in {f["path"] for f in shown["file_list"]}, "the forged file is in the image's baseline")


def _recipe(lab, script: str, *options: str):
    folder = WORK / "containers"
    podman = (f"podman --root {folder}/storage --runroot {folder}/run --tmpdir {folder}/tmp --storage-driver overlay "
              "--cgroup-manager cgroupfs --events-backend none --runtime crun")
    path = f"{STAGE}/usr/bin:{STAGE}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    return run(_RECIPE, "--network=none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", *options,
               lab.images.app.reference, "/bin/sh", "-c", script, timeout=120, env={**os.environ, "PODMAN": podman, "PATH": path})


def test_ci_job_fails_if_the_images_own_test_run_drifts(lab):
    lab.runtime("podman-crun").require()
    quiet = _recipe(lab, "/usr/local/bin/tool && ls /usr >/dev/null")
    check(quiet.status == 0 and "no drift" in quiet.out, f"a test run without drift: {quiet}")
    drifted = _recipe(lab, "cp /attack/payload.bin /tmp/helper && chmod 755 /tmp/helper && /tmp/helper")
    check(drifted.status == 1 and "/tmp/helper" in drifted.out and "the test run has drifted" in drifted.out,
          f"a test run with drift: {drifted}")
    failing = _recipe(lab, "exit 7")
    check(failing.status == 7 and "own tests failed with status 7" in failing.out, f"tests that fail: {failing}")
    check(not list(SOURCE.glob("tests/system/*.jsonl")), "the recipe left files behind")


def test_alerts_of_a_file_are_shown_and_checked(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    drift.drift(container)
    service.alerts.wait(container, number=1, path="/tmp/added")
    file = str(service.alerts.path)
    shown = run(CLI, "alerts", "--alerts", file)
    check(shown.status == 0 and "/tmp/added" in shown.out, f"alerts --alerts: {shown}")
    equal(run(CLI, "alerts", "--alerts", file, "--check").status, 1, "status of --check")
    equal(run(CLI, "alerts", "--alerts", file, "--check", "--container", "no-such-container").status, 0, "that of another container's")
    equal(run(CLI, "alerts", "--alerts", file, "--follow").status, 2, "status of --follow with a file")
    spoiled = WORK / "spoiled.jsonl"
    lab.defer(spoiled.unlink)
    spoiled.write_text('{"kind":"drift"}\n')
    equal(run(CLI, "alerts", "--alerts", spoiled, "--check").status, 2, "status of a file that is none of alerts")
    equal(run(CLI, "alerts", "--alerts", "/nonexistent", "--check").status, 2, "status of a file that is not there")
