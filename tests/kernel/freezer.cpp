#include "holdfast/kernel/freezer.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace holdfast;
using namespace holdfast::kernel;

namespace {

Mount cgroup_mount(const std::string& point, const std::string& type, const std::string& options) {
  Mount mount;
  mount.root = "/";
  mount.mount_point = point;
  mount.type = type;
  mount.super_options = options;
  return mount;
}

/// A cgroup of this machine's freezer hierarchy with one process in it; `path` is empty where it cannot be made.
struct Group {
  Group() {
    const auto self = open_proc(::getpid());
    for (const auto& line : read_cgroup(self->get())) {
      if (!can_freeze(line) || line.hierarchy == 0) continue;
      mounts = *read_mountinfo(self->get());
      for (const auto& mount : mounts) {
        if (mount.type != "cgroup" || mount.super_options.find("freezer") == std::string::npos) continue;
        const auto made = fmt::format("{}/holdfast-unit-{}", mount.mount_point, ::getpid());
        if (::mkdir(made.c_str(), 0755) != 0) continue;
        directory = made;
        path = fmt::format("/holdfast-unit-{}", ::getpid());
        of = line;
        return;
      }
    }
  }
  ~Group() {
    if (directory.empty()) return;
    std::ofstream(directory + "/freezer.state") << "THAWED";
    if (child > 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    ::rmdir(directory.c_str());
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  std::vector<Mount> mounts;
  CgroupLine of;
  std::string directory, path;
  pid_t child = 0;
};

}  // namespace

TEST_SUITE("freezer") {
  TEST_CASE("only the hierarchies that can freeze are taken for it") {
    CHECK(can_freeze({0, "", "/x"}));
    CHECK(can_freeze({3, "cpu,freezer", "/x"}));
    CHECK_FALSE(can_freeze({3, "cpuset", "/x"}));
    CHECK_FALSE(can_freeze({3, "freezers", "/x"}));
  }

  TEST_CASE("a cgroup is looked for in its own hierarchy, below what is mounted, and by no link") {
    std::string name = "/tmp/holdfast-freezer.XXXXXX";
    const std::string root = ::mkdtemp(name.data());
    std::filesystem::create_directories(root + "/pod/abc");
    std::filesystem::create_directory_symlink("/etc", root + "/link");
    const std::vector<Mount> mounts = {cgroup_mount("/nowhere", "cgroup2", "rw"),
                                       cgroup_mount(root, "cgroup", "rw,freezer")};
    const CgroupLine frozen{3, "freezer", "/pod/abc"}, unified{0, "", "/pod/abc"};
    CHECK(open_freezer(mounts, frozen, "/pod/abc").value().path == root + "/pod/abc");
    CHECK_FALSE(open_freezer(mounts, unified, "/pod/abc").ok());
    for (const std::string path : {"/", "", "/pod/../..", "/../etc", "/link", "/absent"}) {
      CHECK_FALSE(open_freezer(mounts, frozen, path).ok());
    }
    auto below = mounts;
    below[1].root = "/pod";
    CHECK(open_freezer(below, frozen, "/pod/pod").ok());
    CHECK_FALSE(open_freezer(below, frozen, "/podium").ok());
    std::filesystem::remove_all(root);
  }

  TEST_CASE("a cgroup's processes are frozen, and go on by what the command says") {
    Group group;
    if (group.directory.empty()) {
      MESSAGE("SKIPPED: this machine has no freezer hierarchy (cgroup version 1) that can be written");
      return;
    }
    group.child = ::fork();
    if (group.child == 0) {
      for (;;) ::pause();
    }
    std::ofstream(group.directory + "/cgroup.procs") << group.child;
    const auto freezer = open_freezer(group.mounts, group.of, group.path);
    REQUIRE(freezer.ok());
    CHECK(members(*freezer).value() == std::vector<pid_t>{group.child});
    CHECK_FALSE(is_frozen(*freezer));
    REQUIRE(freeze(*freezer).ok());
    CHECK(is_frozen(*freezer));
    ::kill(group.child, SIGTERM);
    ::usleep(100'000);
    CHECK(::waitpid(group.child, nullptr, WNOHANG) == 0);  // frozen: the signal waits
    REQUIRE(std::system(thaw_command(*freezer).c_str()) == 0);
    CHECK_FALSE(is_frozen(*freezer));
    CHECK(::waitpid(group.child, nullptr, 0) == group.child);
    group.child = 0;
  }
}
