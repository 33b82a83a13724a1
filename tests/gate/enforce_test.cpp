#include "holdfast/gate/enforce.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "holdfast/gate/executed_file.h"
#include "holdfast/kernel/proc.h"

using namespace holdfast;

namespace {

pid_t start_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  return child;
}

bool was_killed(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace

TEST_SUITE("enforcement") {
  TEST_CASE("a process that was looked at is killed; one that has ended is nobody") {
    const container::Registry registry;
    const container::Membership membership(registry);
    const gate::Enforcer enforcer(membership);
    const pid_t child = start_child();
    const auto proc = kernel::open_proc(child);
    REQUIRE(proc.ok());
    CHECK(enforcer.kill(child, proc->get()));
    CHECK(was_killed(child));
    CHECK_FALSE(enforcer.kill(child, proc->get()));
  }

  TEST_CASE("a process whose number was given to another one stays") {
    const container::Registry registry;
    const container::Membership membership(registry);
    const gate::Enforcer enforcer(membership);
    const pid_t gone = start_child();
    const auto proc = kernel::open_proc(gone);
    REQUIRE(proc.ok());
    ::kill(gone, SIGKILL);
    ::waitpid(gone, nullptr, 0);
    const pid_t other = start_child();  // stands for the new owner of the number
    CHECK_FALSE(enforcer.kill(other, proc->get()));
    int status = 0;
    CHECK(::waitpid(other, &status, WNOHANG) == 0);
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
  }

  TEST_CASE("what a process runs is found without opening it") {
    const auto self = kernel::open_proc(::getpid());
    REQUIRE(self.ok());
    const auto file = gate::look_at_executed_file(self->get());
    REQUIRE(file.has_value());
    struct stat st {};
    REQUIRE(::stat("/proc/self/exe", &st) == 0);
    CHECK(file->st.st_dev == st.st_dev);
    CHECK(identity_of(file->st) == identity_of(st));
    CHECK(gate::is_on_host_mount(*file));
    CHECK(gate::device_of_memfds().value() != st.st_dev);
  }
}
