#include "holdfast/kernel/proc_connector.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <doctest/doctest.h>

#include "holdfast/kernel/pidfd.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

/// None (and a word about it) where the tests have no right to it.
std::optional<kernel::ProcConnector> connect() {
  auto connector = kernel::ProcConnector::open();
  if (connector) return std::move(*connector);
  MESSAGE("SKIPPED: " << connector.error().message);
  return std::nullopt;
}

/// On that processor, unless it is -1.
pid_t execute_true(int cpu = -1) {
  const pid_t child = ::fork();
  if (child == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    if (cpu >= 0) CPU_SET(static_cast<std::size_t>(cpu), &one);
    if (cpu >= 0 && ::sched_setaffinity(0, sizeof one, &one) != 0) ::_exit(126);
    ::execl("/bin/true", "true", nullptr);
    ::_exit(127);
  }
  ::waitpid(child, nullptr, 0);
  return child;
}

/// All pids that were executed until `last` was.
std::vector<pid_t> executed_until(const kernel::ProcConnector& connector, pid_t last) {
  std::vector<pid_t> all;
  kernel::ProcConnector::Batch batch;
  const auto end = Steady::now() + 5s;
  while (Steady::now() < end && std::find(all.begin(), all.end(), last) == all.end()) {
    pollfd readable{connector.fd(), POLLIN, 0};
    (void)::poll(&readable, 1, 100);
    REQUIRE(connector.read(batch).ok());
    all.insert(all.end(), batch.executed.begin(), batch.executed.end());
  }
  return all;
}

}  // namespace

TEST_SUITE("proc connector") {
  TEST_CASE("an execution is reported with its pid and time") {
    const auto connector = connect();
    if (!connector) return;
    const auto before = Steady::now();
    const pid_t child = execute_true();
    pollfd readable{connector->fd(), POLLIN, 0};
    REQUIRE(::poll(&readable, 1, 5000) == 1);
    kernel::ProcConnector::Batch batch;
    REQUIRE(connector->read(batch).ok());
    CHECK_FALSE(batch.lost);
    REQUIRE(batch.oldest.has_value());
    CHECK(*batch.oldest >= before);
    CHECK(*batch.oldest <= Steady::now());
    const auto later = executed_until(*connector, execute_true());
    CHECK((std::count(batch.executed.begin(), batch.executed.end(), child) +
           std::count(later.begin(), later.end(), child)) == 1);
  }

  TEST_CASE("an execution is told to the one whose processor it happened on") {
    constexpr unsigned kShares = 2;
    std::vector<kernel::ProcConnector> connectors;
    for (unsigned i = 0; i < kShares; ++i) {
      auto connector = kernel::ProcConnector::open({i, kShares});
      if (!connector) {
        MESSAGE("SKIPPED: " << connector.error().message);
        return;
      }
      connectors.push_back(std::move(*connector));
    }
    for (int cpu = 0; cpu < std::min(4, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN))); ++cpu) {
      const pid_t child = execute_true(cpu);
      for (unsigned i = 0; i < kShares; ++i) {
        kernel::ProcConnector::Batch batch;
        REQUIRE(connectors[i].read(batch).ok());
        const auto told = std::count(batch.executed.begin(), batch.executed.end(), child);
        CHECK(told == (static_cast<unsigned>(cpu) % kShares == i ? 1 : 0));
      }
    }
  }

  TEST_CASE("processes that only fork and end do not reach us") {
    const auto connector = connect();
    if (!connector) return;
    std::vector<pid_t> forked;
    for (int i = 0; i < 50; ++i) {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(0);
      ::waitpid(child, nullptr, 0);
      forked.push_back(child);
    }
    const auto executed = executed_until(*connector, execute_true());
    for (const pid_t pid : forked) CHECK(std::count(executed.begin(), executed.end(), pid) == 0);
  }

  TEST_CASE("a pidfd kills that very process, and knows that it has ended") {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) ::pause();
    }
    const auto pidfd = kernel::open_pidfd(child);
    REQUIRE(pidfd.ok());
    CHECK_FALSE(kernel::has_ended(pidfd->get()));
    struct stat st {};
    REQUIRE(::stat("/proc/self/ns/mnt", &st) == 0);
    if (const auto space = kernel::mount_namespace(pidfd->get())) {
      CHECK(*space == st.st_ino);
    } else {
      MESSAGE("SKIPPED: " << space.error().message);
    }
    CHECK(kernel::send_signal(pidfd->get(), SIGKILL).ok());
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(kernel::has_ended(pidfd->get()));
    CHECK(kernel::send_signal(pidfd->get(), SIGKILL).error().code == ESRCH);
    CHECK(kernel::open_pidfd(child).error().code == ESRCH);
    CHECK_FALSE(kernel::has_ended(-1));
  }
}
