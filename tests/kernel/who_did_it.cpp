// Events that name who forked, and who changed a directory's entries.

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "holdfast/kernel/fork_events.h"
#include "holdfast/kernel/name_events.h"
#include "holdfast/kernel/pidfd.h"

using namespace holdfast;

namespace {

struct Folder {
  std::string path = "/tmp/hf-names-XXXXXX";
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

template <class Opened>
bool skipped(const Opened& opened) {
  if (!opened) MESSAGE("SKIPPED: " << opened.error().message);
  return !opened;
}

}  // namespace

TEST_CASE("a fork tells who made whom, and a thread is none") {
  const auto forks = kernel::ForkEvents::open();
  if (skipped(forks)) return;
  std::thread([] {}).join();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  kernel::ForkEvents::Batch batch;
  std::vector<kernel::ForkEvents::Fork> all;
  do {
    REQUIRE(forks->read(batch).ok());
    all.insert(all.end(), batch.forks.begin(), batch.forks.end());
  } while (batch.more);
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& fork) { return fork.child == child; });
  REQUIRE(found != all.end());
  CHECK(found->parent == ::getpid());
  CHECK(Steady::now() >= found->at);
  CHECK(std::none_of(all.begin(), all.end(), [](const auto& fork) { return fork.child == ::getpid(); }));
}

TEST_CASE("entries of a watched directory are told by name, with who changed them") {
  const auto events = kernel::NameEvents::open();
  if (skipped(events)) return;
  const Folder folder;
  const UniqueFd directory(::open(folder.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto handle = events->watch(directory.get());
  if (skipped(handle)) return;  // a file system without handles
  const auto file = folder.path + "/one";
  ::close(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  kernel::NameEvents::Batch batch;
  REQUIRE(events->read(batch).ok());
  REQUIRE(batch.events.size() == 1);
  CHECK(batch.events[0].created);
  REQUIRE(batch.events[0].entry);
  CHECK(batch.events[0].entry->directory == *handle);
  CHECK(batch.events[0].entry->name == "one");

  const pid_t child = ::fork();
  if (child == 0) ::_exit(::chmod(file.c_str(), 0700));
  ::waitpid(child, nullptr, 0);
  REQUIRE(events->read(batch).ok());
  REQUIRE(batch.events.size() == 1);
  CHECK(batch.events[0].attributes);
  CHECK(batch.events[0].pid == child);

  REQUIRE(::rename(file.c_str(), (folder.path + "/two").c_str()) == 0);
  REQUIRE(::mkdir((folder.path + "/three").c_str(), 0700) == 0);
  REQUIRE(events->read(batch).ok());
  REQUIRE(batch.events.size() == 2);
  CHECK(batch.events[0].renamed);
  REQUIRE(batch.events[0].from);
  CHECK(batch.events[0].from->name == "one");
  CHECK(batch.events[0].entry->name == "two");
  const UniqueFd beside(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto opened = kernel::NameEvents::open_file(beside.get(), batch.events[0].file);
  struct stat by_handle {};
  struct stat by_name {};
  REQUIRE(opened.ok());
  REQUIRE(::fstat(opened->get(), &by_handle) == 0);
  REQUIRE(::stat((folder.path + "/two").c_str(), &by_name) == 0);
  CHECK(by_handle.st_ino == by_name.st_ino);
  CHECK(batch.events[1].about_directory);

  events->unwatch(directory.get());
  REQUIRE(::chmod((folder.path + "/two").c_str(), 0600) == 0);
  REQUIRE(events->read(batch).ok());
  CHECK(batch.events.empty());
}

TEST_CASE("the event's file is found by name as long as the name is its own") {
  constexpr long kExt4 = 0xef53, kBtrfs = 0x9123683e;
  const auto events = kernel::NameEvents::open();
  if (skipped(events)) return;
  const Folder folder;
  const UniqueFd directory(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (skipped(events->watch(directory.get()))) return;
  struct statfs file_system {};
  REQUIRE(::fstatfs(directory.get(), &file_system) == 0);
  const auto file = folder.path + "/one";
  ::close(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0640));
  kernel::NameEvents::Batch batch;
  REQUIRE(events->read(batch).ok());
  REQUIRE(batch.events.size() == 1);
  struct statx found {};
  const bool by_name = kernel::NameEvents::find_by_name(directory.get(), batch.events[0], found);
  if (file_system.f_type != kExt4 && file_system.f_type != kBtrfs) {
    CHECK_FALSE(by_name);
    MESSAGE("SKIPPED: " << folder.path << " is neither on ext4 nor on btrfs");
    return;
  }
  CHECK(by_name);
  CHECK((found.stx_mode & 07777) == 0640);

  REQUIRE(::rename(file.c_str(), (folder.path + "/two").c_str()) == 0);
  CHECK_FALSE(kernel::NameEvents::find_by_name(directory.get(), batch.events[0], found));
  REQUIRE(::symlink("two", file.c_str()) == 0);  // leads to it, but is another
  CHECK_FALSE(kernel::NameEvents::find_by_name(directory.get(), batch.events[0], found));
  REQUIRE(::unlink(file.c_str()) == 0);
  ::close(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0640));
  CHECK_FALSE(kernel::NameEvents::find_by_name(directory.get(), batch.events[0], found));
}

TEST_CASE("what comes from a directory that is not watched has no place that it left") {
  const auto events = kernel::NameEvents::open();
  if (skipped(events)) return;
  const Folder watched;
  const Folder other;
  const UniqueFd directory(::open(watched.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (skipped(events->watch(directory.get()))) return;
  ::close(::open((other.path + "/x").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  REQUIRE(::rename((other.path + "/x").c_str(), (watched.path + "/x").c_str()) == 0);
  kernel::NameEvents::Batch batch;
  REQUIRE(events->read(batch).ok());
  REQUIRE(batch.events.size() == 1);
  CHECK(!batch.events[0].from);
  CHECK(batch.events[0].entry->name == "x");
}

TEST_CASE("a file that moves to a directory that is not watched is still told, and can be opened") {
  const auto events = kernel::NameEvents::open();
  if (skipped(events)) return;
  const Folder watched;
  const Folder other;
  ::close(::open((watched.path + "/x").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const UniqueFd directory(::open(watched.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (skipped(events->watch(directory.get()))) return;
  REQUIRE(::rename((watched.path + "/x").c_str(), (other.path + "/x").c_str()) == 0);
  kernel::NameEvents::Batch batch;
  REQUIRE(events->read(batch).ok());
  REQUIRE(batch.events.size() == 1);
  CHECK(!batch.events[0].entry);
  CHECK(batch.events[0].directory() != nullptr);
  const auto opened = kernel::NameEvents::open_file(directory.get(), batch.events[0].file);
  CHECK(opened.ok());
  std::filesystem::remove_all(other.path);
  CHECK_FALSE(kernel::NameEvents::open_file(directory.get(), "short").ok());
}

TEST_CASE("a process's parent and user are known by its descriptor") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto pidfd = kernel::open_pidfd(child);
  REQUIRE(pidfd.ok());
  const auto owner = kernel::process_owner(pidfd->get());
  (void)kernel::send_signal(pidfd->get(), SIGKILL);
  ::waitpid(child, nullptr, 0);
  if (skipped(owner)) return;  // Linux before 6.13
  CHECK(owner->parent == ::getpid());
  CHECK(owner->uid == ::getuid());
}
