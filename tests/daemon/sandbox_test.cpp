#include "holdfast/daemon/sandbox.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <doctest/doctest.h>

namespace {

/// In a child, since there is no way out of a sandbox: the errno of an execve, and 1 for a ptrace that was not refused.
int errno_of_execve_inside() {
  if (!holdfast::daemon::enter_sandbox()) return -1;
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0) return 1;
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  ::execve(program, arguments, nullptr);
  return errno;
}

}  // namespace

TEST_CASE("the sandboxed service cannot execute a program or trace a process") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(errno_of_execve_inside());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == EPERM);
}
