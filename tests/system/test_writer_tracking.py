"""Who wrote it: what alerts say of a file's writer, and that they say nothing where nobody can know."""

import os

from harness import tools
from harness.lab import check, equal

# By their paths: the shell runs busybox's own programs without executing them.
_COPY = "/bin/cp /attack/payload.bin {0} && /bin/chmod 755 {0}"


def _alert(service, container, path, prepare):
    container.sh(f"{prepare}\n{path}")
    return service.alerts.wait(container, path=path)[0]


def _writer(alert) -> tuple[str, str]:
    writer = alert.get("writer", {})
    return writer.get("cmdline", "").split(" ")[0].rsplit("/", 1)[-1], writer.get("how", "")


def test_writers_that_have_ended_are_known_with_all_that_led_to_them(lab):
    service = lab.service()
    container = lab.run()
    alert = _alert(service, container, "/tmp/x", "/bin/sh -c '/bin/sh -c \"/bin/cp /attack/payload.bin /tmp/x; /bin/chmod 755 /tmp/x\"; true'")
    equal(_writer(alert), ("cp", "wrote"), "who wrote it")
    equal(alert["made_executable"]["cmdline"], "/bin/chmod 755 /tmp/x", "who made it executable")
    chain = [a["cmdline"].split(" ")[0].rsplit("/", 1)[-1] for a in alert["writer"]["ancestors"]]
    check(chain[:2] == ["sh", "sh"], f"the writer's ancestors: {alert['writer']}")
    check("copied by cp (pid " in alert["message"], alert["message"])
    listed = service.cli("alerts", "--json")
    check(listed.status in (0, 1), f"{listed}")


def test_a_shell_that_writes_without_executing_anything_is_known_too(lab):
    service = lab.service()
    container = lab.run()
    for number in range(5):
        path = f"/tmp/forked-{number}"
        alert = _alert(service, container, path, f"chmod 755 /tmp; (cat </dev/null; (exec >{path}; echo '#!/bin/sh'; echo :)); chmod 755 {path}")
        equal(_writer(alert), ("sh", "wrote"), "who wrote it")
        check(alert["writer"]["pid"] != alert["process"]["pid"], "the subshell is the writer, not the shell")


def test_nobody_ends_too_soon_to_be_known(lab):
    """A fork that executes nothing lives for less than a millisecond, one right after the other."""
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    many = 200
    container.sh(f"mkdir /tmp/many; for i in $(seq {many}); do cat /attack/payload.bin >/tmp/many/$i; chmod 755 /tmp/many/$i; done\n"
                 "for i in /tmp/many/*; do $i; done")
    for number in range(1, many + 1):
        alert = service.alerts.wait(container, path=f"/tmp/many/{number}")[0]
        nobody = [word for word in ("writer", "made_executable") if "exe" not in alert.get(word, {"exe": ""})]
        check("writer" in alert and not nobody, f"no program is known of {nobody}: {alert}")


def test_files_that_were_only_moved_or_linked_are_told_as_that(lab):
    service = lab.service(drift="Mode=prevent\nRelocated=deny")
    container = lab.run()
    equal(_writer(_alert(service, container, "/opt/moved", "/bin/mv /usr/local/bin/moved /opt/moved")), ("mv", "renamed"), "moved")
    equal(_writer(_alert(service, container, "/opt/link", "mkdir -p /opt/a/b; /bin/ln /usr/local/bin/spare /opt/link")), ("ln", "linked"),
          "linked")
    late = _alert(service, container, "/opt/a/b/c/moved", "mkdir /opt/a/b/c; /bin/mv /usr/local/bin/renamed /opt/a/b/c/moved")
    equal(_writer(late), ("mv", "renamed"), "moved into a directory that was just made")


def test_what_is_written_beyond_the_root_has_a_writer(lab):
    service = lab.service()
    container = lab.run()
    equal(_writer(_alert(service, container, "/dev/x", _COPY.format("/dev/x"))), ("cp", "wrote"), "who wrote on its tmpfs")


def test_a_file_s_second_writer_is_the_one_that_is_told(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    equal(_writer(_alert(service, container, "/tmp/x", _COPY.format("/tmp/x"))), ("cp", "wrote"), "first")
    container.sh("rm /tmp/x; /bin/dd if=/attack/payload-2.bin of=/tmp/x; chmod 755 /tmp/x; /tmp/x")
    equal(_writer(service.alerts.wait(container, path="/tmp/x", number=2)[1]), ("dd", "wrote"), "second")


def test_nothing_is_said_of_a_writer_that_nobody_saw(lab):
    container = lab.create()
    container.plant("/opt/planted", tools.payload())
    service = lab.service()
    container.start()
    alert = _alert(service, container, "/opt/planted", ":")
    check("writer" not in alert and "made_executable" not in alert, f"made up: {alert}")
    check("added, by " in alert["message"], alert["message"])


def test_whoever_writes_from_the_host_is_named(lab):
    service = lab.service()
    container = lab.run()
    root = f"/proc/{lab.runtime('crun').pid(container)}/root"
    with open(f"{root}/opt/from-host", "wb") as file:
        file.write(tools.payload())
    os.chmod(f"{root}/opt/from-host", 0o755)
    alert = _alert(service, container, "/opt/from-host", ":")
    equal(alert["writer"]["pid"], os.getpid(), "the writer")
    check("package_manager" not in alert["writer"] and "ancestors" not in alert["writer"], f"{alert['writer']}")


def test_a_program_that_only_calls_itself_a_package_manager_is_none(lab):
    service = lab.service(drift="Mode=detect")
    container = lab.run()
    alert = _alert(service, container, "/tmp/x", "cp /bin/busybox /tmp/apt; ln -s apt /tmp/cp; "
                   "/tmp/cp /attack/payload.bin /tmp/x; chmod 755 /tmp/x")
    check("package_manager" not in alert["writer"], f"{alert['writer']}")
    check("installed" not in alert["message"], alert["message"])
