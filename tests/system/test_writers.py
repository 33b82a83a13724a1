"""A file that somebody can still write never runs a byte that was not judged."""

import races
from harness.lab import check, equal


class Shared:
    def __init__(self, lab):
        self.service = lab.service()
        self.container = lab.run()

    def close(self):
        pass


def _race(shared, mode, milliseconds=2500):
    outcome = races.race(shared.container, mode, milliseconds)
    equal(outcome.evil, 0, f"executions of bytes that were not judged ({races.MODES[mode]}; {outcome})")
    check(outcome.changes > 0, f"the file was never changed: {outcome}")
    return outcome


def test_held_mapping_is_denied_always(shared):
    outcome = _race(shared, "held", 1500)
    equal(outcome.good, 0, "executions while a writable mapping exists, which nobody can judge")
    check(outcome.denied > 0, f"none was denied: {outcome}")
    return outcome


def test_mapping_between_verdict_and_execution(shared):
    return _race(shared, "window")


def test_write_between_verdict_and_execution(shared):
    return _race(shared, "write")


def test_truncate_between_verdict_and_execution(shared):
    return _race(shared, "truncate")


def test_exchange_in_a_tight_loop(shared):
    return _race(shared, "exchange")


def test_replacement_in_a_tight_loop(shared):
    return _race(shared, "replace")


def test_copy_up_between_verdict_and_execution(shared):
    outcome = races.copy_up(shared.container, "even")
    equal(outcome.evil, 0, f"executions of bytes that were not judged ({outcome})")
    check(outcome.changes > 0, f"no file was changed: {outcome}")
    return outcome


def test_copy_up_by_truncate_between_verdict_and_execution(shared):
    outcome = races.copy_up(shared.container, "odd", "--truncate")
    equal(outcome.evil, 0, f"executions of bytes that were not judged ({outcome})")
    check(outcome.changes > 0, f"no file was changed: {outcome}")
    return outcome


def test_touched_file_runs_once_its_writer_has_ended(shared):
    script = ("exec 3<>/usr/local/bin/spare; /usr/local/bin/spare >/dev/null 2>&1; "
              "echo $?; exec 3>&-; /usr/local/bin/spare >/dev/null; echo $?")
    equal(shared.container.sh(script).out.split()[-2:], ["126", "0"], "exit statuses while it is open for writing, and after")
