#include "holdfast/gate/event_table.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include <doctest/doctest.h>

#include "holdfast/gate/interpreter_order.h"

using namespace holdfast;
using namespace holdfast::gate;

namespace {

struct stat file_number(ino_t inode) {
  struct stat st {};
  st.st_dev = 7;
  st.st_ino = inode;
  st.st_size = 4096;
  st.st_mtim = {1, 2};
  st.st_ctim = {3, 4};
  return st;
}

EventTable make_table() {
  auto table = EventTable::create();
  REQUIRE(table);
  return std::move(*table);
}

/// As the next process gets it.
Result<EventTable> pass_on(const EventTable& table) { return EventTable::adopt(UniqueFd(::dup(table.fd()))); }

/// What the kernel writes for one permission event.
void write_event(std::span<std::byte> buffer, int number, pid_t pid) {
  fanotify_event_metadata meta{};
  meta.vers = FANOTIFY_METADATA_VERSION;
  meta.metadata_len = sizeof meta;
  meta.event_len = sizeof meta;
  meta.mask = FAN_OPEN_EXEC_PERM;
  meta.fd = number;
  meta.pid = pid;
  std::memcpy(buffer.data(), &meta, sizeof meta);
}

}  // namespace

TEST_CASE("the next process learns which events were in hand, and of which files") {
  auto table = make_table();
  const auto st = file_number(42);
  table.note(9, 100, FAN_OPEN_EXEC_PERM, &st);
  table.note(11, 101, FAN_OPEN_EXEC_PERM, nullptr);
  table.note(12, 102, FAN_OPEN_PERM, &st);
  table.clear(12);
  auto next = pass_on(table);
  REQUIRE(next);
  const auto found = next->take_over();
  REQUIRE(found.size() == 2);
  CHECK(found[0].number == 9);
  CHECK(found[0].pid == 100);
  CHECK(found[0].looked_at);
  CHECK(found[0].device == 7);
  CHECK(found[0].identity == identity_of(st));
  CHECK(found[1].number == 11);
  CHECK_FALSE(found[1].looked_at);
  CHECK(next->numbers_used() == 13);
  // Should that one be killed, too, before it has answered: the same again.
  auto third = pass_on(*next);
  REQUIRE(third);
  CHECK(third->take_over().size() == 2);
  third->clear(9);
  third->clear(11);
  CHECK(third->take_over().empty());
}

TEST_CASE("an event that the kernel had handed out in a read that never came back is known") {
  auto table = make_table();
  (void)table.begin_read(3);
  write_event(table.begin_read(3), 17, 200);
  auto next = pass_on(table);
  REQUIRE(next);
  const auto found = next->take_over();
  REQUIRE(found.size() == 1);
  CHECK(found[0].number == 17);
  CHECK(found[0].pid == 200);
  CHECK_FALSE(found[0].looked_at);
  // It stays known until it is answered, though the buffer is used again.
  next->end_read(3);
  CHECK(next->take_over().size() == 1);
}

TEST_CASE("a batch that has been noted to its end is not read from the buffer again") {
  auto table = make_table();
  write_event(table.begin_read(0), 17, 200);
  const auto st = file_number(1);
  table.note(17, 200, FAN_OPEN_EXEC_PERM, &st);
  table.end_read(0);
  table.clear(17);
  CHECK(table.take_over().empty());
}

TEST_CASE("what is not a table of this version is refused") {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK_FALSE(EventTable::adopt(UniqueFd(::dup(null.get()))));
  UniqueFd empty(::memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CHECK_FALSE(EventTable::adopt(std::move(empty)));
  // The right size, sealed, but no table.
  auto table = make_table();
  struct stat st {};
  REQUIRE(::fstat(table.fd(), &st) == 0);
  UniqueFd zeros(::memfd_create("zeros", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(zeros.get(), st.st_size) == 0);
  CHECK_FALSE(EventTable::adopt(UniqueFd(::dup(zeros.get()))));
  REQUIRE(::fcntl(zeros.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
  CHECK_FALSE(EventTable::adopt(std::move(zeros)));
}

TEST_CASE("nobody can cut the table off or let it grow") {
  auto table = make_table();
  CHECK(::ftruncate(table.fd(), 0) != 0);
  CHECK(::ftruncate(table.fd(), 1 << 30) != 0);
}

TEST_CASE("numbers without a place, and what is no event, do no harm") {
  auto table = make_table();
  const auto st = file_number(1);
  table.note(-1, 1, FAN_OPEN_EXEC_PERM, &st);
  table.note(static_cast<int>(EventTable::kNumbers), 1, FAN_OPEN_EXEC_PERM, &st);
  table.clear(-1);
  table.clear(static_cast<int>(EventTable::kNumbers));
  auto buffer = table.begin_read(1);
  std::memset(buffer.data(), 0xff, buffer.size());
  CHECK(table.take_over().empty());
  CHECK(table.numbers_used() == 0);
}

TEST_CASE("who executes a dynamic program next to the end of the service still gets its interpreter") {
  auto table = make_table();
  const auto now = Steady::now();
  {
    InterpreterOrder order(table.expectations());
    order.note(300, now);
    order.note(301, now);
    order.note(302, now - 3 * InterpreterOrder::kLifetime);
    CHECK(order.take(301, now));
    order.forget_taken(301);
    CHECK(order.take(300, now));  // and killed before the interpreter was answered
  }
  auto next = pass_on(table);
  REQUIRE(next);
  InterpreterOrder order(next->expectations());
  CHECK(order.expects(300));
  CHECK_FALSE(order.expects(301));
  CHECK_FALSE(order.expects(302));
  CHECK(order.take(300));
  order.forget_taken(300);
  CHECK_FALSE(InterpreterOrder(next->expectations()).expects(300));
}
