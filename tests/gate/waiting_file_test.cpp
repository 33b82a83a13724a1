#include "holdfast/gate/waiting_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "holdfast/kernel/proc.h"

using namespace holdfast;
using namespace holdfast::gate;

namespace {

/// A child that waits in open(2) of a FIFO, by this name from this directory.
class Waiter {
 public:
  Waiter(const std::string& directory, const std::string& name) : pid_(::fork()) {
    if (pid_ == 0) {
      if (::chdir(directory.c_str()) == 0) (void)!::open(name.c_str(), O_RDONLY);
      ::_exit(0);
    }
  }
  ~Waiter() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  [[nodiscard]] ino_t waits_for() const {
    const auto proc = kernel::open_proc(pid_);
    REQUIRE(proc);
    for (int i = 0; i < 1000; ++i) {
      const auto found = files_waited_for(proc->get());
      struct stat st {};
      if (!found.empty() && ::fstat(found.front().front().get(), &st) == 0) return st.st_ino;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return 0;
  }

 private:
  const pid_t pid_;
};

struct Folder {
  Folder() {
    std::string name = "/tmp/holdfast-waiting-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    std::filesystem::create_directory(path / "below");
    REQUIRE(::mkfifo((path / "fifo").c_str(), 0600) == 0);
    struct stat st {};
    REQUIRE(::stat((path / "fifo").c_str(), &st) == 0);
    inode = st.st_ino;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
  ino_t inode = 0;
};

}  // namespace

TEST_CASE("the file that a process waits for is found by the name that it gave, whole or relative") {
  if (::geteuid() != 0) return;
  const Folder folder;
  CHECK(Waiter("/", (folder.path / "fifo").string()).waits_for() == folder.inode);
  CHECK(Waiter(folder.path.string(), "fifo").waits_for() == folder.inode);
  CHECK(Waiter((folder.path / "below").string(), "../fifo").waits_for() == folder.inode);
}

TEST_CASE("a process that waits for nothing has no file") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto proc = kernel::open_proc(child);
  REQUIRE(proc);
  CHECK(files_waited_for(proc->get()).empty());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}
