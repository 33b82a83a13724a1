#include "holdfast/daemon/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"

namespace {

using namespace holdfast;

/// What `work` says, done in a child since there is no way out of a sandbox; empty if all is well.
std::string in_child(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto said = work();
    (void)!::write(out.get(), said.data(), said.size());
    ::_exit(0);
  }
  out.reset();
  std::string said(4096, '\0');
  const ssize_t length = ::read(in.get(), said.data(), said.size());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(0, length)));
  return said;
}

std::string unless_refused(const char* what, long result) {
  if (result < 0 && errno == EPERM) return {};
  return fmt::format("{}: result {}, errno {}; ", what, result, errno);
}

std::string forbidden_calls() {
  if (!daemon::enter_sandbox()) return "no sandbox";
  std::string program = "/bin/true";
  std::array<char*, 2> arguments{program.data(), nullptr};
  std::string said = unless_refused("execve", ::execve(program.c_str(), arguments.data(), nullptr));
  said += unless_refused("ptrace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  said += unless_refused("bpf", ::syscall(SYS_bpf, 0, nullptr, 0));
  said += unless_refused("socket(AF_INET)", ::socket(AF_INET, SOCK_STREAM, 0));
  said += unless_refused("unshare(CLONE_NEWUSER)", ::unshare(CLONE_NEWUSER));
  said += unless_refused("setns(CLONE_NEWNET)", ::setns(0, CLONE_NEWNET));
  said +=
      unless_refused("clone(CLONE_NEWNET)", ::syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, nullptr, nullptr, nullptr, 0));
  said += unless_refused("init_module", ::syscall(SYS_init_module, nullptr, 0, ""));
  said += unless_refused("mknodat", ::syscall(SYS_mknodat, AT_FDCWD, "/tmp/x", 0, 0));
  errno = 0;
  const void* code = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  said += unless_refused("mmap(PROT_EXEC)", code == MAP_FAILED ? -1 : 0);
  return said;
}

std::string needed_calls() {
  if (!daemon::enter_sandbox()) return "no sandbox";
  std::string said;
#ifndef __SANITIZE_THREAD__  // its runtime starts no threads in a child of a process that has some
  bool ran = false;
  std::thread([&] { ran = true; }).join();
  if (!ran) said += "no thread; ";
#endif
  if (::syscall(SYS_clone3, nullptr, 0) >= 0 || errno != ENOSYS) said += "clone3 is not said to be missing; ";
  const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!local || !netlink) said += "sockets; ";
  if (::unshare(CLONE_FS) != 0) said += "unshare(CLONE_FS); ";
  return said;
}

std::uint64_t capabilities(const char* field) {
  std::string text(8192, '\0');
  const UniqueFd status(::open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC));
  (void)!::read(status.get(), text.data(), text.size());
  const auto at = text.find(field);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + std::string_view(field).size() + 1), nullptr, 16);
}

}  // namespace

TEST_SUITE("sandbox") {
  TEST_CASE("calls that the service does not need are refused, and it lives on") {
    CHECK(in_child(forbidden_calls) == "");
  }

  TEST_CASE("threads, local sockets and netlink still work") { CHECK(in_child(needed_calls) == ""); }

  TEST_CASE("of full root's capabilities only those that are needed stay") {
    const std::uint64_t before = capabilities("CapPrm:");
    const auto said = in_child([&]() -> std::string {
      if (!daemon::drop_capabilities()) return "not dropped";
      const std::uint64_t left = capabilities("CapPrm:");
      const auto has = [&](int capability) { return (left >> capability & 1) != 0; };
      if ((left & ~before) != 0) return "something was gained";
      if (left != capabilities("CapEff:")) return "not effective";
      if (has(CAP_SYS_MODULE) || has(CAP_SYS_RAWIO) || has(CAP_DAC_OVERRIDE) || has(CAP_SETUID))
        return "too much is left";
      if ((before >> CAP_SYS_ADMIN & 1) != 0 && !has(CAP_SYS_ADMIN)) return "CAP_SYS_ADMIN is gone";
      if ((before >> CAP_SETPCAP & 1) != 0 && (capabilities("CapBnd:") >> CAP_SYS_MODULE & 1) != 0)
        return "not bounded";
      return "";
    });
    CHECK(said == "");
  }
}
