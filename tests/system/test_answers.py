"""What `metrics`, `policy list`, `policy show` and `explain` answer, and their exit statuses."""

import hashlib
import re

import drift
from harness import openmetrics, tools
from harness.env import STAGE, WORK, Skip, run, wait_until
from harness.lab import check, equal

_DROP = "cp /attack/payload.bin {0}; chmod 755 {0}"
_RULES = """[Match]
Container=*
[Drift]
Mode=prevent
[Allow plugins]
Path=/opt/plugins/*
Reason=vendor
[Allow never]
Path=/nowhere
Until=2001-01-01
[Deny hello]
Path=/usr/local/bin/hello
"""


def _metrics(service):
    result = service.cli("metrics")
    equal(result.status, 0, f"metrics ({result.out[:200]})")
    return openmetrics.parse(result.out)


def test_metrics_are_openmetrics_and_count_what_happens(lab):
    service = lab.service()
    container = lab.run()
    before = _metrics(service)
    steps = [(_DROP.format("/tmp/x"), "/tmp/x"), (":", "/tmp/x"), (":", "/usr/local/bin/tool"), ("cp /usr/local/bin/spare /tmp/y", "/tmp/y")]
    drift.statuses(container, steps)
    service.alerts.fence(container)
    after = wait_until("the counters", lambda: (m := _metrics(service)) and m["holdfast_verdicts"].value(reason="added", mode="prevent", verdict="deny") >= 3 and m)

    def grown(family, **labels):
        return after[family].value(**labels) - before[family].value(**labels)

    equal(grown("holdfast_verdicts", mode="prevent", reason="added", verdict="deny"), 3, "denials of two attempts and a fence")
    equal(grown("holdfast_verdicts", mode="prevent", reason="relocated", verdict="allow"), 1, "allowed copies")
    equal(grown("holdfast_verdicts", mode="prevent", reason="modified", verdict="deny"), 0, "denials for a reason that did not occur")
    check(grown("holdfast_fast_allows") >= 2, f"image code: {grown('holdfast_fast_allows')}")  # sh and tool
    check(grown("holdfast_slow_verdicts") >= 4, "slow verdicts")
    check(grown("holdfast_events") >= grown("holdfast_fast_allows") + grown("holdfast_slow_verdicts"), "events")
    check(grown("holdfast_alerts", fate="delivered") >= 2, "alerts")
    check(after["holdfast_gate_latency_seconds"].value("_count") > before["holdfast_gate_latency_seconds"].value("_count"), "latency")
    check(after["holdfast_containers"].value("", mode="prevent") >= 1, "containers in prevent mode")
    families = service.json("metrics")["families"]
    equal({f["name"]: f["type"] for f in families}, {f.name: f.kind for f in after.values()}, "families with --json")


def test_metrics_satisfy_prometheus_itself(lab):
    """Both formats with the parsers of their makers: promtool's linter, and prometheus_client's OpenMetrics."""
    try:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
    except ImportError:
        raise Skip("python3-prometheus-client is not installed for this python3") from None
    service = lab.service()
    lab.run().sh(_DROP.format("/tmp/x") + "; /tmp/x")
    (WORK / "metrics").write_text(old := service.cli("metrics", "--format", "prometheus").out)
    with open(WORK / "metrics") as file:
        linted = run("promtool", "check", "metrics", stdin=file)
    equal((linted.status, linted.out.strip()), (0, ""), "what promtool check metrics says")
    new = service.cli("metrics").out
    families = list(text_string_to_metric_families(new))
    equal({family.name for family in families}, set(openmetrics.parse(new)), "families that prometheus_client reads")

    def samples(text):
        return {line.split(" ")[0] for line in text.splitlines() if not line.startswith("#")}

    equal(samples(old), samples(new), "samples of both formats")
    equal(service.cli("metrics", "--format", "xml").status, 2, "exit status for a format that is not known")


def test_rules_and_dashboard_use_metrics_that_there_are(lab):
    service = lab.service()
    known = {line.split(" ")[0].split("{")[0] for line in service.cli("metrics").out.splitlines() if not line.startswith("#")}
    labels = {key for line in service.cli("metrics").out.splitlines() for key in re.findall(r'[{,](\w+)="', line)}
    for name in ("prometheus-rules.yaml", "grafana-dashboard.json"):
        text = (STAGE / "usr/share/holdfast" / name).read_text()
        used = set(re.findall(r"\bholdfast_\w+", text))
        check(used and used <= known, f"{name}: not exported: {sorted(used - known)}")
        asked = set(re.findall(r'[{,](\w+)=~?\\*"', text)) - {"instance"}
        check(asked and asked <= labels, f"{name}: labels that no metric has: {sorted(asked - labels)}")
    unused = known - set(re.findall(r"\bholdfast_\w+", (STAGE / "usr/share/holdfast/grafana-dashboard.json").read_text()))
    unused -= {m for m in unused if m.endswith(("_count", "_sum"))}
    check(len(unused) <= 4, f"hardly shown: {sorted(unused)}")


def test_policy_list_and_show_count_containers_rules_and_uses(lab):
    service = lab.service(policies={"10-all.policy": _RULES, "20-other.policy": "[Match]\nContainer=nobody-is-called-so\n[Drift]\nMode=off\n"})
    container = lab.run()
    steps = [("mkdir -p /opt/plugins; " + _DROP.format("/opt/plugins/a"), "/opt/plugins/a"), (":", "/opt/plugins/a"),
             (_DROP.format("/opt/plugins/b"), "/opt/plugins/b"), (":", "/usr/local/bin/hello"), (_DROP.format("/tmp/x"), "/tmp/x")]
    found = [step[1] + " " + str(drift.statuses(container, [step])[step[1]]) for step in steps]
    equal(found, ["/opt/plugins/a 0", "/opt/plugins/a 0", "/opt/plugins/b 0", "/usr/local/bin/hello 126", "/tmp/x 126"], "exit statuses")

    def rules():
        return {rule["name"]: rule for rule in service.json("policy", "show", container.id)["policy"]["rules"]}

    wait_until("the uses", lambda: rules()["hello"]["used"] == 1)
    equal({name: (rule["kind"], rule["used"]) for name, rule in rules().items()},
          {"plugins": ("allow", 3), "never": ("allow", 0), "hello": ("deny", 1)}, "rules, and how often each was used")
    equal((rules()["never"]["expired"], rules()["plugins"]["reason"]), (True, "vendor"), "end and reason")
    text = service.cli("policy", "show", container.id)
    line = next((line for line in text.out.splitlines() if line.startswith("[Allow plugins]")), "")
    equal((text.status, line.split()[2:3]), (0, ["3"]), f"uses in its line ({text.out})")
    check("expired" in text.out and "10-all.policy" in text.out, f"policy show: {text.out}")
    listed = {policy["name"]: policy for policy in service.json("policy", "list")["policies"]}
    equal(list(listed), ["10-all.policy", "20-other.policy", "default"], "policies in their order")
    own = listed["10-all.policy"]
    equal((own["mode"], own["allow_rules"], own["deny_rules"], own["match"]), ("prevent", 2, 1, {"container": ["*"]}), "its row")
    check(own["containers"] >= 1 and listed["20-other.policy"]["containers"] == 0, f"containers of each: {listed}")
    text = service.cli("policy", "list")
    check(text.status == 0 and any(line.split()[:2] == ["10-all.policy", "prevent"] for line in text.out.splitlines()), f"policy list: {text.out}")
    equal(service.cli("policy", "show", "nobody").status, 2, "exit status for a container that is not there")


def test_explain_tells_verdict_steps_and_hashes(lab):
    service = lab.service(policies={"10-all.policy": "[Drift]\nMode=prevent\n[Allow fine]\nPath=/opt/fine\n"})
    container = lab.run()
    container.sh("; ".join(_DROP.format(path) for path in ("/tmp/x", "/opt/fine")) + "; echo x >>/usr/local/bin/appended; cp /usr/local/bin/spare /tmp/copy")
    tool = hashlib.sha256(tools.text_tool("tool v1")).hexdigest()
    changed = hashlib.sha256(tools.text_tool("appended v1") + b"x\n").hexdigest()
    original = hashlib.sha256(tools.text_tool("appended v1")).hexdigest()
    payload = hashlib.sha256(tools.payload()).hexdigest()
    cases = {"/usr/local/bin/tool": (0, "allow", None, "", tool, tool), "/tmp/x": (1, "deny", "added", "", payload, None),
             "/usr/local/bin/appended": (1, "deny", "modified", "", changed, original),
             "/opt/fine": (0, "allow", "added", "fine", payload, None), "/tmp/copy": (0, "allow", "relocated", "", None, None)}
    for path, (status, verdict, reason, rule, own, image) in cases.items():
        result = service.cli("explain", container.name, path)
        equal(result.status, status, f"exit status for {path} ({result.out})")
        said = service.json("explain", container.id, path)
        decision = said["decision"]
        equal((decision["verdict"], decision["reason"], decision["rule"] or "", decision["runs"]),
              (verdict, reason, rule, verdict == "allow"), f"decision for {path}")
        check(said["steps"] and said["steps"][0] in " ".join(result.out.split()), f"steps for {path}: {said['steps']} {result.out}")
        check(not rule or f"section [Allow {rule}]" in result.out, f"the rule of {path} is not named: {result.out}")
        if own:
            equal((said["file"]["sha256"], (said["image_file"] or {}).get("sha256")), (own, image), f"hashes of {path}")
            check(own in result.out and (not image or image in result.out), f"hashes of {path} are not printed: {result.out}")
    equal(service.alerts.drift(container), [], "alerts: explaining executes nothing")
    check(not container.ran("x"), "explain has executed something")


def test_explain_of_what_cannot_be_explained(lab):
    service = lab.service()
    container = lab.run()
    container.sh("mkfifo /tmp/fifo; ln -s /nowhere /tmp/dangling")
    for words, complaint in (((container.id, "/tmp/missing"), "/tmp/missing"), (("nobody", "/bin/sh"), "nobody"), ((container.id, "/tmp"), "/tmp"),
                             ((container.id, "/tmp/fifo"), "/tmp/fifo"), ((container.id, "/tmp/dangling"), "dangling"), ((container.id,), "explain")):
        result = service.cli("explain", *words, timeout=10)
        equal(result.status, 2, f"exit status of explain {words} ({result.out})")
        check(complaint in result.out, f"explain {words} says {result.out!r}")
    service.stop()
    result = service.cli("explain", container.id, "/bin/sh")
    equal(result.status, 3, f"exit status without a service ({result.out})")
