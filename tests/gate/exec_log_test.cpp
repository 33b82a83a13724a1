#include "holdfast/gate/exec_log.h"

#include <doctest/doctest.h>

using holdfast::Steady;
using holdfast::gate::ExecLog;
using namespace std::chrono_literals;

TEST_SUITE("exec log") {
  TEST_CASE("an execution that the gate was asked for is seen, once") {
    ExecLog log;
    log.note(10, 1, 2);
    CHECK(log.seen(10, 1, 2));
    CHECK_FALSE(log.seen(10, 1, 2));
    log.note(10, 1, 2);
    log.note(10, 1, 2);
    CHECK(log.seen(10, 1, 2));
    CHECK(log.seen(10, 1, 2));
    CHECK_FALSE(log.seen(10, 1, 2));
  }

  TEST_CASE("another process, file or file system is another execution") {
    ExecLog log;
    log.note(10, 1, 2);
    CHECK_FALSE(log.seen(11, 1, 2));
    CHECK_FALSE(log.seen(10, 2, 2));
    CHECK_FALSE(log.seen(10, 1, 3));
  }

  TEST_CASE("a denied execution opens no door for one elsewhere with the same numbers") {
    ExecLog log;
    log.note(10, 1, 2);
    log.take_back(10, 1, 2);
    CHECK_FALSE(log.seen(10, 1, 2));
    CHECK_FALSE(log.seen_since(10, 1, 2, Steady::time_point()));
    log.take_back(10, 1, 2);
  }

  TEST_CASE("old notes do not count") {
    ExecLog log;
    const auto now = Steady::now();
    log.note(10, 1, 2, now);
    CHECK_FALSE(log.seen(10, 1, 2, now + ExecLog::kCounts + 1s));
    log.note(10, 1, 2, now + ExecLog::kCounts + 1s);
    CHECK(log.seen(10, 1, 2, now + ExecLog::kCounts + 2s));
    CHECK_FALSE(log.seen(10, 1, 2, now + ExecLog::kCounts + 2s));
  }

  TEST_CASE("a scan knows what a process executed at any time of its life, and not what its number's last owner did") {
    ExecLog log;
    const auto now = Steady::now();
    log.note(10, 1, 2, now);
    CHECK(log.seen(10, 1, 2, now));
    CHECK(log.seen_since(10, 1, 2, now - 1h));
    CHECK_FALSE(log.seen_since(10, 1, 2, now + 1s));
  }

  TEST_CASE("of an execution whose event is late one side tells, and the next one is told of again") {
    ExecLog log;
    CHECK(log.note_unless_told(10, 1, 2));
    CHECK(log.seen_or_tell(10, 1, 2));        // the gate tells
    CHECK_FALSE(log.seen_or_tell(10, 1, 2));  // the net does: there is no note of this one yet
    CHECK_FALSE(log.note_unless_told(10, 1, 2));
    CHECK_FALSE(log.seen(10, 1, 2));  // what came too late is no note for the next execution
    CHECK(log.note_unless_told(10, 1, 2));
    CHECK(log.seen_or_tell(10, 1, 2));
  }

  TEST_CASE("what was told long ago, of another process or of another file does not silence the gate") {
    ExecLog log;
    const auto now = Steady::now();
    CHECK_FALSE(log.seen_or_tell(10, 1, 2, now));
    CHECK(log.note_unless_told(11, 1, 2, now));
    CHECK(log.note_unless_told(10, 1, 3, now));
    CHECK(log.note_unless_told(10, 1, 2, now + ExecLog::kCounts + 1s));
  }

  TEST_CASE("a storm costs bounded memory and forgets the oldest first") {
    ExecLog log;
    for (int i = 1; i <= 200'000; ++i) log.note(i, 1, 2);
    int kept = 0;
    for (int i = 199'001; i <= 200'000; ++i) kept += log.seen(i, 1, 2) ? 1 : 0;
    CHECK(kept == 1000);
    CHECK_FALSE(log.seen(1, 1, 2));
  }
}

TEST_CASE("what a process has executed and an alert tells of is known for that process alone") {
  ExecLog log;
  CHECK_FALSE(log.told(7));
  log.tell(7);
  CHECK(log.told(7));
  CHECK_FALSE(log.told(8));
}
