#include "holdfast/kernel/host_namespace.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include "holdfast/kernel/proc.h"

using namespace holdfast;

namespace {

std::vector<kernel::Mount> table(std::string_view text) {
  auto mounts = kernel::parse_mountinfo(text);
  REQUIRE(mounts.ok());
  return std::move(*mounts);
}

}  // namespace

TEST_SUITE("the host's mount namespace") {
  TEST_CASE("a copy holds what lies on mounts that follow nobody, the last one mounted first") {
    const auto mounts = table(
        "1 0 8:1 / / ro shared:9 master:1 - ext4 /dev/a rw\n"
        "2 1 0:5 / /proc rw shared:8 master:2 - proc proc rw\n"
        "3 1 8:1 /storage /var/lib/docker/overlay2 rw - ext4 /dev/a rw\n"
        "4 3 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n"
        "5 1 0:51 / /run/io.containerd/y/rootfs rw shared:7 master:3 - overlay overlay rw\n"
        "6 4 0:52 / /var/lib/docker/overlay2/x/merged/dev rw - tmpfs tmpfs rw\n");
    CHECK(kernel::held_mounts(mounts) ==
          std::vector<std::string>{"/var/lib/docker/overlay2/x/merged/dev", "/var/lib/docker/overlay2/x/merged"});
  }

  TEST_CASE("what systemd mounts below /dev, /proc and /sys stays") {
    const auto mounts = table(
        "1 0 8:1 / / ro master:1 - ext4 /dev/a rw\n"
        "2 1 0:5 / /dev rw - tmpfs tmpfs rw\n"
        "3 2 0:6 / /dev/pts rw - devpts devpts rw\n"
        "4 1 0:7 / /device rw - tmpfs tmpfs rw\n"
        "5 4 0:8 / /device/x rw - tmpfs tmpfs rw\n");
    CHECK(kernel::held_mounts(mounts) == std::vector<std::string>{"/device/x"});
  }

  TEST_CASE("a namespace that is no copy holds nothing, and is the host's itself") {
    CHECK(kernel::held_mounts(table("1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n"
                                    "2 1 8:1 /s /s rw - ext4 /dev/a rw\n"
                                    "3 2 0:9 / /s/m rw - overlay overlay rw\n"))
              .empty());
  }
}
