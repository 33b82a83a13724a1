#include "stage.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "holdfast/kernel/proc.h"

namespace holdfast::container::stage {
namespace {

constexpr const char* kSitStill = "HOLDFAST_TEST_SITS_STILL";

[[noreturn]] void sit_still(int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const pid_t self = ::getpid();
  (void)!::write(ready, &self, sizeof self);
  ::close(ready);
  while (true) ::pause();
}

/// Before main: this program, executed again by `Process`, is nothing but a command line to be read.
__attribute__((constructor)) void sit_still_if_asked() {
  const char* asked = ::getenv(kSitStill);
  if (asked == nullptr) return;
  const int ready = std::atoi(asked);
  if (::getenv("HOLDFAST_TEST_WITH_CHILD") == nullptr || ::fork() == 0) sit_still(ready);
  ::close(ready);
  while (true) ::pause();
}

bool shell(const std::string& command) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl("/bin/sh", "sh", "-ec", command.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void become(const Process::Kind& kind, int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (kind.own_mounts &&
      (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)) {
    ::_exit(1);
  }
  if (!kind.prepare.empty() && !shell(kind.prepare)) ::_exit(2);
  if (!kind.root.empty() && (::chroot(kind.root.c_str()) != 0 || ::chdir("/") != 0)) ::_exit(3);
  if (kind.uid != 0 && ::setuid(kind.uid) != 0) ::_exit(4);
  if (kind.arguments.empty()) sit_still(ready);
  ::setenv(kSitStill, std::to_string(ready).c_str(), 1);
  if (kind.with_child) ::setenv("HOLDFAST_TEST_WITH_CHILD", "1", 1);
  std::vector<char*> arguments;
  for (const auto& argument : kind.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  ::_exit(5);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = "/tmp/holdfast-test-XXXXXX";
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  ::chmod(pattern.c_str(), 0755);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::directory(const std::string& name) const {
  std::filesystem::create_directories(path_ + "/" + name);
  return path_ + "/" + name;
}

void TemporaryDirectory::file(const std::string& name, const std::string& text) const {
  const std::filesystem::path path(path_ + "/" + name);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

Process::Process(const Kind& kind) {
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const UniqueFd in(ready[0]);
  ::fcntl(in.get(), F_SETFD, FD_CLOEXEC);
  pid_ = ::fork();
  if (pid_ == 0) {
    become(kind, ready[1]);
    ::_exit(6);
  }
  ::close(ready[1]);
  REQUIRE_MESSAGE(::read(in.get(), &subject_, sizeof subject_) == sizeof subject_, "the test's process did not start");
  auto proc = kernel::open_proc(subject_);
  REQUIRE(proc.ok());
  proc_ = std::move(*proc);
}

Process::~Process() {
  if (pid_ <= 0) return;
  if (subject_ > 0 && subject_ != pid_) ::kill(subject_, SIGKILL);
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Process::run(const std::string& command) const {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int space = ::openat(proc_.get(), "ns/mnt", O_RDONLY | O_CLOEXEC);
    // TSan gives the child a thread of its own, and setns(2) wants file system attributes that nobody shares.
    ::_exit(space >= 0 && ::unshare(CLONE_FS) == 0 && ::setns(space, CLONE_NEWNS) == 0 && shell(command) ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool can_mount_overlays() {
  static const bool can = [] {
    if (::geteuid() != 0) return false;
    const TemporaryDirectory place;
    for (const char* name : {"lower", "upper", "work", "merged"}) place.directory(name);
    const pid_t pid = ::fork();
    if (pid == 0) {
      const auto& at = place.path();
      const auto options = fmt::format("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work", at);
      ::_exit(::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      ::mount("overlay", (at + "/merged").c_str(), "overlay", 0, options.c_str()) == 0
                  ? 0
                  : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }();
  if (!can) MESSAGE("SKIPPED: needs root, mount namespaces and overlayfs");
  return can;
}

}  // namespace holdfast::container::stage
