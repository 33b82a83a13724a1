"""The Debian package, from installation to purge."""

from harness.lab import check, equal
from root import older, only

_CONF, _POLICY, _STATE = "/etc/holdfast/holdfast.conf", "/etc/holdfast/policy.d/10-mine.policy", "/var/lib/holdfast"
_WANTED = "/etc/systemd/system/multi-user.target.wants/holdfast.service"
_MINE = "[Match]\nImage=*/nginx:*\n[Drift]\nMode=detect\n"


def _install(root, package, *options):
    return root.run("apt-get", "install", "-y", "--no-install-recommends", "--allow-downgrades", *options, root.put(package))


def _use(root):
    """What an administrator and the service leave behind."""
    root.file(_POLICY).write_text(_MINE)
    root.file(_STATE).mkdir(mode=0o700, exist_ok=True)
    root.file(f"{_STATE}/baseline.db").write_bytes(b"captured")


def test_install_brings_a_working_service_in_detect_mode(root):
    _install(root, only("holdfast_*.deb"))
    check(root.exists(_WANTED), "the service is not enabled")
    equal(root.run("/usr/sbin/holdfastd", "--check-config").out.strip(), "configuration is fine: 0 policies", "check-config")
    equal(root.run("/usr/bin/holdfast", "--version", check=False).status, 0, "holdfast --version")
    conf = root.file(_CONF).read_text().splitlines()
    equal([line for line in conf if line.startswith("Mode=")], ["Mode=detect"], "modes in holdfast.conf")
    root.run("systemd-analyze", "verify", "--man=no", "holdfast.service")
    catalog = root.run("journalctl", "--list-catalog").out
    check("holdfast" in catalog.lower(), "the journal's catalog has no text of ours")
    equal(set(root.run("dpkg-query", "-W", "-f=${Conffiles}", "holdfast").out.split()[::2]),
          {_CONF, "/etc/holdfast/policy.d/50-example.policy.disabled"}, "configuration files")
    equal(root.run("dpkg", "--verify", "holdfast").out, "", "files that differ from the package's")


def test_upgrade_keeps_policies_state_and_changed_settings(root):
    new = only("holdfast_*.deb")
    _install(root, older(new, "0.0.9", {_CONF: "[Drift]\nMode=detect\n# of the old version\n"}))
    _use(root)
    changed = "[Drift]\nMode=detect\n# the administrator's\n"
    root.file(_CONF).write_text(changed)
    _install(root, new, "-o", "Dpkg::Options::=--force-confold")
    equal(root.file(_CONF).read_text(), changed, "the changed holdfast.conf")
    check(root.exists(f"{_CONF}.dpkg-dist"), "the new holdfast.conf is not beside the kept one")
    equal(root.file(_POLICY).read_text(), _MINE, "the policy")
    equal(root.file(f"{_STATE}/baseline.db").read_bytes(), b"captured", "the database")
    check(root.exists(_WANTED), "the service is no longer enabled")
    root.run("/usr/sbin/holdfastd", "--check-config")


def test_upgrade_brings_new_settings_where_nobody_changed_them(root):
    new = only("holdfast_*.deb")
    _install(root, older(new, "0.0.9", {_CONF: "[Drift]\nMode=detect\n# of the old version\n"}))
    _install(root, new)
    check("of the old version" not in root.file(_CONF).read_text(), "holdfast.conf is still the old one")


def test_upgrade_leaves_a_disabled_service_disabled(root):
    new = only("holdfast_*.deb")
    _install(root, older(new, "0.0.9", {}))
    root.run("systemctl", "disable", "holdfast.service")
    _install(root, new)
    check(not root.exists(_WANTED), "the upgrade has enabled what the administrator had disabled")


def test_remove_keeps_state_and_purge_removes_it(root):
    package = only("holdfast_*.deb")
    _install(root, package)
    before = set(_files(root))
    _use(root)
    root.run("apt-get", "remove", "-y", "holdfast")
    check(not root.exists("/usr/sbin/holdfastd"), "the service is still there")
    check(root.exists(f"{_STATE}/baseline.db") and root.exists(_CONF), "removing took state or settings along")
    _install(root, package)
    check(root.exists(_WANTED), "installed again, but not enabled")
    equal(root.file(f"{_STATE}/baseline.db").read_bytes(), b"captured", "the database after installing again")
    equal(set(_files(root)) - before, {_POLICY, f"{_STATE}/baseline.db"}, "files after installing again")
    root.run("apt-get", "purge", "-y", "holdfast")
    equal(_files(root), [_POLICY], "files after purging")


def test_only_the_service_has_a_life_of_its_own(root):
    """holdfast-release is started by it: nothing is enabled, and only an upgrade and a removal act on it."""
    _install(root, only("holdfast_*.deb"))
    units = [f for f in root.run("dpkg", "-L", "holdfast").out.split() if f.endswith(".service")]
    equal(sorted(f.rsplit("/", 1)[1] for f in units), ["holdfast-release.service", "holdfast.service"], "units")
    check(root.exists("/usr/libexec/holdfast-release"), "its program is missing")
    equal(root.run("systemctl", "is-enabled", "holdfast-release.service", check=False).out.strip(), "static", "the other unit")
    root.run("systemd-analyze", "verify", "--man=no", "holdfast-release.service")
    scripts = root.run("cat", *(f"/var/lib/dpkg/info/holdfast.{s}" for s in ("postinst", "prerm", "postrm"))).out
    acting = [line.split(">")[0].split() for line in scripts.splitlines() if "deb-systemd-" in line and "release" in line]
    equal(acting, [["deb-systemd-invoke", action, "holdfast-release.service"] for action in ("restart", "stop")], "what the package's scripts do with it")


def test_reinstall_changes_nothing(root):
    package = only("holdfast_*.deb")
    _install(root, package)
    _use(root)
    before = _files(root)
    _install(root, package, "--reinstall")
    equal(_files(root), before, "files")
    equal(root.run("dpkg", "--verify", "holdfast").out, "", "files that differ from the package's")


def _files(root) -> list[str]:
    """Whatever in the root has our name; dpkg's and systemd's own records aside."""
    found = root.run("find", "/etc", "/lib", "/opt", "/run", "/srv", "/usr", "/var", "-not", "-type", "d", "-path", "*holdfast*").out
    return sorted(f for f in found.split() if not f.startswith(("/var/lib/dpkg/", "/var/lib/systemd/", "/var/cache/apt/")))

