#include "holdfast/kernel/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <doctest/doctest.h>

using namespace holdfast;

namespace {

/// A child that waits to be killed; ends with the test.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      ::prctl(PR_SET_NAME, "a) (b\nc");
      ::raise(SIGSTOP);
      ::_exit(0);
    }
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace

TEST_SUITE("proc") {
  TEST_CASE("status names a process, whatever it calls itself") {
    const Child child;
    const auto dir = kernel::open_proc(child.pid());
    REQUIRE(dir.ok());
    const auto status = kernel::read_status(dir->get());
    REQUIRE(status.ok());
    CHECK(status->name == "a) (b\nc");
    CHECK(status->tgid == child.pid());
    CHECK(status->ppid == ::getpid());
    CHECK(*kernel::read_parent(dir->get()) == ::getpid());
    CHECK(status->uid == ::getuid());
    CHECK(status->gid == ::getgid());
    CHECK(status->start_ticks > 0);
  }

  TEST_CASE("a descriptor of a process that ended reads nothing, not its successor") {
    Child child;
    const auto dir = kernel::open_proc(child.pid());
    REQUIRE(dir.ok());
    child.end();
    CHECK_FALSE(kernel::read_status(dir->get()).ok());
    CHECK(kernel::read_cmdline(dir->get()).empty());
    CHECK(kernel::read_cgroup(dir->get()).empty());
    CHECK_FALSE(kernel::namespace_inode(dir->get(), "mnt").ok());
  }

  TEST_CASE("arguments are split and bounded") {
    const auto self = kernel::open_proc(::getpid());
    REQUIRE(self.ok());
    const auto arguments = kernel::read_cmdline(self->get());
    REQUIRE_FALSE(arguments.empty());
    CHECK(arguments[0].find("unit_kernel") != std::string::npos);
    const auto cut = kernel::read_cmdline(self->get(), 3);
    REQUIRE(cut.size() == 1);
    CHECK(cut[0].size() == 3);
  }

  TEST_CASE("reading stops at the limit and at a symlink, and a FIFO does not block") {
    char path[] = "/tmp/holdfast-proc-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    const UniqueFd dir(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(dir.valid());
    {
      const UniqueFd file(::openat(dir.get(), "five", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
      REQUIRE(::write(file.get(), "12345", 5) == 5);
    }
    REQUIRE(::symlinkat("five", dir.get(), "link") == 0);
    REQUIRE(::mkfifoat(dir.get(), "fifo", 0600) == 0);
    CHECK(kernel::read_file_at(dir.get(), "five", 5).value() == "12345");
    CHECK(kernel::read_file_at(dir.get(), "five", 4).error().code == EFBIG);
    CHECK(kernel::read_file_at(dir.get(), "link", 100).error().code == ELOOP);
    CHECK(kernel::read_file_at(dir.get(), "none", 100).error().code == ENOENT);
    CHECK(kernel::read_file_at(dir.get(), "fifo", 100).value().empty());
    CHECK(kernel::read_link_at(dir.get(), "link").value() == "five");
    CHECK_FALSE(kernel::read_link_at(dir.get(), "five").ok());
    for (const char* name : {"five", "link", "fifo"}) ::unlinkat(dir.get(), name, 0);
    ::rmdir(path);
  }

  TEST_CASE("cgroup lines are understood, colons in paths included") {
    const auto lines = kernel::parse_cgroup("12:pids:/libpod-ab\n1:name=systemd:/a:b\n0::/x\nnonsense\n:::\n");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].hierarchy == 12);
    CHECK(lines[0].controllers == "pids");
    CHECK(lines[0].path == "/libpod-ab");
    CHECK(lines[1].path == "/a:b");
    CHECK(lines[2].hierarchy == 0);
    CHECK(lines[2].controllers.empty());
  }

  TEST_CASE("our own pid is listed, and our namespaces have numbers") {
    const auto pids = kernel::list_pids();
    CHECK(std::find(pids.begin(), pids.end(), ::getpid()) != pids.end());
    const auto self = kernel::open_proc(::getpid());
    REQUIRE(self.ok());
    struct stat st {};
    REQUIRE(::stat("/proc/self/ns/mnt", &st) == 0);
    CHECK(kernel::namespace_inode(self->get(), "mnt").value() == st.st_ino);
    CHECK_FALSE(kernel::namespace_inode(self->get(), "none").ok());
  }
}
