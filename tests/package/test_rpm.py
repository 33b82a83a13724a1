"""The RPM package, as far as Debian's rpm goes: it knows Debian's libraries by no name, so its own database is used."""

from harness.lab import check, equal
from root import only
from rpms import older

_CONF = "/etc/holdfast/holdfast.conf"
_WANTED = "/etc/systemd/system/multi-user.target.wants/holdfast.service"
_UNITS = ["holdfast-release.service", "holdfast.service"]


def _rpm(root, *argv, check=True):
    return root.run("rpm", *argv, check=check)


def test_rpm_installs_verifies_and_keeps_changed_settings_when_erased(root):
    package = root.put(only("holdfast-*.rpm"))
    _rpm(root, "-i", "--nodeps", package)
    equal(_rpm(root, "-V", "--nodeps", "holdfast", check=False).out, "", "files that differ from the package's")
    equal(set(_rpm(root, "-qc", "holdfast").out.split()), {_CONF, "/etc/holdfast/policy.d/50-example.policy.disabled"},
          "configuration files")
    check(root.exists(_WANTED), "the service is not enabled")
    equal(root.run("/usr/sbin/holdfastd", "--check-config").out.strip(), "configuration is fine: 0 policies", "check-config")
    root.file(_CONF).write_text("[Drift]\nMode=detect\n# the administrator's\n")
    _rpm(root, "-e", "holdfast")
    check(not root.exists("/usr/sbin/holdfastd"), "the service is still there")
    check("the administrator's" in root.file(f"{_CONF}.rpmsave").read_text(), "changed settings are gone")
    check(not root.exists(_WANTED), "the service is still enabled")


def _upgraded(root, changed):
    new = only("holdfast-*.rpm")
    _rpm(root, "-i", "--nodeps", root.put(older(new, "0.0.9", {_CONF: "[Drift]\nMode=detect\n# of the old version\n"})))
    equal(_rpm(root, "-q", "--qf", "%{VERSION}", "holdfast").out, "0.0.9", "the version before")
    check(root.exists(_WANTED), "the old version has not enabled the service")
    changed()
    _rpm(root, "-U", "--nodeps", root.put(new))
    equal(_rpm(root, "-q", "--qf", "%{VERSION}\n", "holdfast").out.splitlines(),
          [_rpm(root, "-qp", "--qf", "%{VERSION}", f"/tmp/{new.name}").out], "the versions after")


def test_rpm_upgrade_keeps_policies_state_and_changed_settings(root):
    mine, policy, database = "[Drift]\nMode=detect\n# the administrator's\n", "/etc/holdfast/policy.d/10-mine.policy", "/var/lib/holdfast/baseline.db"

    def use():
        root.file(_CONF).write_text(mine)
        root.file(policy).write_text("[Match]\nImage=*/nginx:*\n[Drift]\nMode=detect\n")
        root.file(database).parent.mkdir(mode=0o700, exist_ok=True)
        root.file(database).write_bytes(b"captured")

    _upgraded(root, use)
    equal(root.file(_CONF).read_text(), mine, "the changed holdfast.conf")
    check(root.exists(f"{_CONF}.rpmnew"), "the new holdfast.conf is not beside the kept one")
    equal(root.file(database).read_bytes(), b"captured", "the database")
    check(root.exists(_WANTED), "the service is no longer enabled")
    equal(root.run("/usr/sbin/holdfastd", "--check-config").out.strip(), "configuration is fine: 1 policies", "check-config")


def test_rpm_upgrade_brings_new_settings_where_nobody_changed_them_and_leaves_a_disabled_service_disabled(root):
    _upgraded(root, lambda: root.run("systemctl", "disable", "holdfast.service"))
    check("of the old version" not in root.file(_CONF).read_text(), "holdfast.conf is still the old one")
    check(not root.exists(_WANTED), "the upgrade has enabled what the administrator had disabled")


def test_rpm_has_both_units_and_enables_only_the_service(root):
    _rpm(root, "-i", "--nodeps", root.put(only("holdfast-*.rpm")))
    listed = _rpm(root, "-ql", "holdfast").out.split()
    equal(sorted(f.rsplit("/", 1)[1] for f in listed if f.endswith(".service")), _UNITS, "units")
    check("/usr/libexec/holdfast-release" in listed, "the other unit's program is missing")
    equal(root.run("systemctl", "is-enabled", "holdfast-release.service", check=False).out.strip(), "static", "the other unit")
    root.run("systemd-analyze", "verify", "--man=no", *_UNITS)
    _rpm(root, "-e", "holdfast")
    left = root.run("find", "/etc/systemd", "/usr/lib/systemd", "-name", "*holdfast*").out
    equal(left, "", "what is left of the units")
