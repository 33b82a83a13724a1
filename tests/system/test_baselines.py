"""`holdfast baseline …`: what it lists is what the images ship, what it verifies is true, and what it rebuilds stays."""

import hashlib
import json
import sqlite3
from itertools import count
from pathlib import Path

import drift
from harness import tools
from harness.env import WORK, TestError, run, wait_until
from harness.images import Image, Layer
from harness.lab import check, equal

_numbers = count(1)


def _own_image(lab) -> tuple[Image, Path]:
    """An image whose uppermost layer is this test's alone, and that layer's directory."""
    name = f"verify-{next(_numbers)}"
    image = Image(f"hftest-{name}", "1", [*lab.images.app.layers, Layer(name, {
        "/own/one": (tools.text_tool("one") + name.encode(), 0o755), "/own/two": (tools.text_tool("two") + name.encode(), 0o755)})],
        lab.images.app.command)
    lab.defer(run, "rm", "-rf", WORK / "layers" / name)
    return image, WORK / "layers" / name


def _captured(lab, service, image=None):
    container = lab.run(image=image)
    wait_until("the capture", lambda: service.baseline_of(container)["state"] == "complete", 30)
    return container, service.baseline_of(container)["id"]


def _lines(result) -> tuple[list[dict], dict]:
    """The differences and the summary that `verify` or `rebuild` print with --json."""
    try:
        lines = [json.loads(line) for line in result.out.splitlines()]
    except json.JSONDecodeError:
        raise TestError(f"not an object a line: {result}") from None
    check(lines and set(lines[-1]) == {"summary"}, f"the last line is no summary: {result}")
    return lines[:-1], lines[-1]["summary"]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_list_and_show_tell_what_the_image_ships(lab):
    service = lab.service()
    container, baseline = _captured(lab, service)
    row = service.baseline_of(container)
    equal((row["kind"], row["state"], row["in_use"]), ("layers", "complete", True), "its row")
    text = service.cli("baseline", "list")
    equal(text.status, 0, f"baseline list ({text.out})")
    check(any(line.startswith(baseline[:8]) and " complete " in line for line in text.out.splitlines()), f"its line: {text.out}")
    shown = service.json("baseline", "show", baseline)
    files = {file["path"]: file for file in shown["file_list"]}
    equal((shown["id"], shown["files"]), (baseline, len(files)), "id, and number of files")
    equal(files["/usr/local/bin/tool"]["sha256"], _hash(tools.text_tool("tool v1")), "the hash of a program")
    equal(files["/usr/local/bin/replaced"]["sha256"], _hash(tools.text_tool("replaced v1")), "that of one that a higher layer replaces")
    check("/usr/local/bin/removed" not in files, "a program that the image has deleted is listed")
    check(not files.get("/opt/data.bin", {}).get("executable"), "a data file is listed as executable")
    text = service.cli("baseline", "show", baseline[:10])
    line = next((line for line in text.out.splitlines() if line.endswith(" /usr/local/bin/tool")), "")
    check(text.status == 0 and line.startswith(_hash(tools.text_tool("tool v1"))), f"its line in baseline show: {line!r}")
    equal(service.cli("baseline", "show", "no-such-image").status, 2, "exit status for an image that is not there")


def test_verify_finds_nothing_on_a_true_baseline(lab):
    service = lab.service()
    container, baseline = _captured(lab, service)
    drift.drift(container)  # the container's own changes are none of the image's
    for words in ((), (baseline,)):
        result = service.cli("baseline", "verify", *words)
        equal(result.status, 0, f"baseline verify {words} ({result.out})")
        equal(result.out.strip(), "1 image read, 0 differences", "its words")
        differences, summary = _lines(service.cli("baseline", "verify", *words, "--json"))
        equal((differences, summary), ([], {"images": 1, "differences": 0, "failures": 0}), "with --json")
    equal(service.cli("baseline", "verify", "no-such-image").status, 2, "exit status for an image that is not there")


def test_verify_finds_what_changed_behind_the_service_and_rebuild_repairs_it(lab):
    service = lab.service()
    image, layer = _own_image(lab)
    container, baseline = _captured(lab, service, image)
    before, after = (layer / "own" / "one").read_bytes(), tools.text_tool("other one")
    gone = _hash((layer / "own" / "two").read_bytes())
    (layer / "own" / "one").write_bytes(after)
    (layer / "own" / "two").unlink()

    def told(result):
        differences, summary = _lines(result)
        equal((result.status, summary["images"], summary["differences"]), (1, 1, 2), f"exit status and summary ({result.out})")
        said = {d["path"]: (d["what"], d["before"], d["after"]) for d in differences}
        wanted = {"/own/one": ("changed", _hash(before), _hash(after)), "/own/two": ("removed", gone, None)}
        equal(said, wanted, "what differs")
        equal({d["image"] for d in differences}, {baseline}, "the image")

    told(service.cli("baseline", "verify", baseline, "--json"))
    text = service.cli("baseline", "verify")
    check(text.status == 1 and "changed  /own/one" in text.out and "removed  /own/two" in text.out and
          f"({_hash(before)[:12]}" in text.out and "1 image read, 2 differences" in text.out, f"without --json: {text}")
    equal(service.cli("baseline", "verify").status, 1, "verify has changed the baseline")
    told(service.cli("baseline", "rebuild", container.id, "--json"))
    equal(service.cli("baseline", "verify", baseline).status, 0, "verify after rebuild")
    again = service.cli("baseline", "rebuild", baseline)
    equal((again.status, again.out.strip()), (0, "1 image read, 0 differences"), "rebuild of what is right")
    files = {f["path"]: f["sha256"] for f in service.json("baseline", "show", baseline)["file_list"]}
    equal((files["/own/one"], "/own/two" in files), (_hash(after), False), "the rebuilt baseline")
    equal(drift.statuses(container, [(":", "/own/one")]), {"/own/one": 0}, "what is the image's now")
    service.stop()
    service.start()
    equal(service.cli("baseline", "verify", baseline).status, 0, "verify after a restart")


def _alter(service, path: str):
    """Another hash for that path in the database, of a stopped service."""
    with sqlite3.connect(service.state / "baseline.db") as database:
        changed = database.execute("UPDATE files SET sha256=? WHERE path=?", (b"\xaa" * 32, path.encode())).rowcount
    database.close()
    equal(changed, 1, f"rows of {path} in the database")


def test_stored_hash_that_was_altered_is_found_and_rebuild_all_repairs_it(lab):
    service = lab.service()
    image, layer = _own_image(lab)
    container, baseline = _captured(lab, service, image)
    _, other = _captured(lab, service)
    service.stop()
    _alter(service, "/own/one")
    service.start()
    wait_until("the container", lambda: (container.id,) in service.containers("id"))
    result = service.cli("baseline", "verify", "--json")
    differences, summary = _lines(result)
    equal((result.status, summary["images"], summary["failures"]), (1, 2, 0), f"exit status and summary ({result.out})")
    true = _hash((layer / "own" / "one").read_bytes())
    wanted = {"image": baseline, "what": "changed", "path": "/own/one", "before": "aa" * 32, "after": true}
    equal(differences, [wanted], "differences")
    equal(service.cli("baseline", "verify", other).status, 0, "the other image")
    result = service.cli("baseline", "rebuild", "--all")
    check(result.status == 1 and f"changed  /own/one  ({'aa' * 6} -> {true[:12]})" in result.out, f"rebuild --all: {result}")
    result = service.cli("baseline", "verify", "--json")
    equal((result.status, _lines(result)[0]), (0, []), "verify afterwards")
    result = service.cli("baseline", "rebuild", "--all", "--json")
    equal((result.status, _lines(result)), (0, ([], {"images": 2, "differences": 0, "failures": 0})), "rebuild --all again")
    for words in ((), ("--all", baseline)):
        equal(service.cli("baseline", "rebuild", *words).status, 2, f"exit status of rebuild {words}")


def test_prune_removes_what_no_container_has_and_keeps_the_rest(lab):
    service = lab.service()
    image, _ = _own_image(lab)
    kept, baseline = _captured(lab, service)
    gone, unused = _captured(lab, service, image)
    equal(service.json("baseline", "prune"), {"removed": 0}, "prune while both are in use")
    gone.stop()
    wait_until("the container's end", lambda: not [b for b in service.json("baseline", "list")["baselines"] if b["id"] == unused and b["in_use"]])
    equal(service.json("baseline", "prune", "--unused-for", "1h"), {"removed": 0}, "prune of what nobody has used for an hour")
    wait_until("the pruning", lambda: service.json("baseline", "prune") == {"removed": 1}, 5, 0.3)
    left = [b["id"] for b in service.json("baseline", "list")["baselines"]]
    equal((baseline in left, unused in left), (True, False), "the used and the unused image's baseline")
    equal(service.cli("baseline", "prune").out.strip(), "0 baselines removed.", "prune again")
    equal(service.cli("baseline", "verify", baseline).status, 0, "verify of what is kept")
    equal(service.cli("baseline", "prune", "--unused-for", "soon").status, 2, "exit status for a span that is none")
    equal(drift.statuses(kept, [(":", "/usr/local/bin/tool")]), {"/usr/local/bin/tool": 0}, "image code of what is kept")
    again, rebuilt = _captured(lab, service, image)
    equal((rebuilt, drift.statuses(again, [(":", "/own/one")])), (unused, {"/own/one": 0}), "an image that comes back")
