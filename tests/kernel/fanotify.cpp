#include "holdfast/kernel/fanotify.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("closing a group lets those pass who wait for it, and no answer that comes late ends up in another file") {
  auto group = kernel::FanotifyGroup::create();
  REQUIRE(group.ok());
  std::string program = "/tmp/holdfast-fanotify.XXXXXX";
  const UniqueFd file(::mkostemp(program.data(), O_CLOEXEC));
  REQUIRE(::fchmod(file.get(), 0755) == 0);
  REQUIRE(group->mark_inode(file.get(), FAN_OPEN_PERM).ok());

  const pid_t child = ::fork();
  if (child == 0) {
    ::close(group->fd());  // else the group stays for as long as the child waits for it
    ::_exit(::open(program.c_str(), O_RDONLY) >= 0 ? 0 : 1);
  }
  pollfd waiting{group->fd(), POLLIN, 0};
  REQUIRE(::poll(&waiting, 1, 10'000) == 1);
  std::vector<kernel::FanotifyEvent> events;
  std::array<std::byte, kernel::kFanotifyBatch> buffer{};
  REQUIRE(group->read(events, buffer).ok());
  REQUIRE(events.size() == 1);

  // Answers by a number that fits no event, all the while: as a worker's that comes late.
  const int none = events[0].file.get() + 1000;
  std::atomic<bool> stop{false};
  std::thread late([&] {
    while (!stop) CHECK_FALSE(group->respond(none, true).ok());
  });
  group->close();
  const UniqueFd next(::memfd_create("next", MFD_CLOEXEC));
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  stop = true;
  late.join();

  CHECK(next.get() != group->fd());
  CHECK(::lseek(next.get(), 0, SEEK_END) == 0);
  CHECK_FALSE(group->respond(none, true).ok());
  CHECK(group->read(events, buffer).ok());
  CHECK(events.empty());
  CHECK(::poll(&waiting, 1, 0) == 0);
  ::unlink(program.c_str());
}
