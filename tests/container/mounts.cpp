#include "holdfast/container/mounts.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "holdfast/kernel/mountinfo.h"

#include "discovery_bench.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace holdfast::container::bench;

namespace {

/// A container in a mount namespace of its own, with a volume, a read-only view of it and a tmpfs.
struct House {
  explicit House(bool use_events = true) : mounts({marker, [](const std::string&) {}, use_events}) {
    place.directory("volume/sub");
    for (const char* name : {"data", "read-only", "private", "late"}) place.directory(name);
    REQUIRE(resident.run("mount --bind " + at("volume") + " " + at("data") + " && mount --bind " + at("volume/sub") +
                         " " + at("read-only") + " && mount -o remount,bind,ro " + at("read-only") +
                         " && mount -t tmpfs own " + at("private")));
  }
  [[nodiscard]] std::string at(const std::string& name) const { return place.path() + "/" + name; }
  void enter() { mounts.enter(container, resident.proc(), resident.pid()); }
  [[nodiscard]] kernel::Mount mount_at(const std::string& name) const {
    const auto table = kernel::read_mountinfo(resident.proc());
    REQUIRE(table.ok());
    const auto found =
        std::find_if(table->begin(), table->end(), [&](const auto& m) { return m.mount_point == at(name); });
    REQUIRE(found != table->end());
    return *found;
  }
  [[nodiscard]] MountUse use(const std::string& name, const std::string& below = {}) {
    const auto mount = mount_at(name);
    return mounts.use_of(*container, mount, mount.root == "/" ? below : mount.root + below);
  }
  [[nodiscard]] bool has_marked_superblock(dev_t device) {
    const std::lock_guard lock(marker.mutex);
    return std::any_of(marker.roots.begin(), marker.roots.end(), [&](const auto& m) { return m.device == device; });
  }
  [[nodiscard]] bool has_marked_mount(const kernel::Mount& mount) {
    const std::lock_guard lock(marker.mutex);
    return std::count(marker.mounts.begin(), marker.mounts.end(), static_cast<std::uint64_t>(mount.id)) != 0;
  }

  stage::TemporaryDirectory place;
  Process resident;
  Registry registry;
  fakes::Marker marker{registry};
  std::shared_ptr<Container> container = std::make_shared<Container>(
      1001, RootKey{1001, 1, 2}, RootKind::overlay, std::make_shared<fakes::Baseline>("image", baseline::Kind::layers),
      "/upper", "/merged");
  Mounts mounts;
};

bool soon(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace

TEST_SUITE("mounts beyond the root") {
  TEST_CASE("a tmpfs of its own is marked as a superblock, a volume as a mount") {
    House house;
    house.enter();
    const auto tmpfs = house.mount_at("private");
    CHECK(house.use("private", "/x").kind == MountKind::own);
    CHECK(house.has_marked_superblock(tmpfs.device));
    CHECK(house.use("data", "/x").kind == MountKind::shared);
    CHECK(house.has_marked_mount(house.mount_at("data")));
    CHECK_FALSE(house.has_marked_mount(tmpfs));
  }

  TEST_CASE(
      "a volume is known by destination, by its directory on the host, and by whether any way to it is writable") {
    House house;
    house.enter();
    const auto data = house.use("data", "/x");
    CHECK(data.given);
    CHECK(data.destination == house.at("data"));
    CHECK(data.source.ends_with("/volume"));
    CHECK(data.path == house.at("data") + "/x");
    CHECK(data.writable);
    CHECK(house.use("read-only", "/x").writable);  // the same files can be written below the other destination
    kernel::Mount bare;
    bare.type = "proc";
    CHECK(house.mounts.use_of(*house.container, bare, "/x").kind == MountKind::bare);
  }

  TEST_CASE("a bind mount made inside leaves a volume's file where the runtime mounted it") {
    House house;
    house.enter();
    REQUIRE(house.resident.run("mkdir -p " + house.at("excepted") + " && mount --bind " + house.at("data/sub") + " " +
                               house.at("excepted")));
    const auto use = house.use("excepted", "/x");
    CHECK(use.kind == MountKind::shared);
    // The most exact of the runtime's mounts that show the file.
    CHECK(use.path == house.at("read-only") + "/x");
    CHECK(house.use("excepted", "/x").given);
  }

  TEST_CASE("a tmpfs mounted inside has no path that a rule could trust") {
    House house;
    house.enter();
    REQUIRE(house.resident.run("mount -t tmpfs inside " + house.at("late")));
    const auto use = house.use("late", "/x");
    CHECK(use.kind == MountKind::own);
    CHECK_FALSE(use.given);
    CHECK(use.path.empty());
  }

  TEST_CASE("a new mount is marked soon, whether the kernel tells of it or its table is polled") {
    for (const bool use_events : {true, false}) {
      CAPTURE(use_events);
      House house(use_events);
      house.enter();
      REQUIRE(house.resident.run("mount -t tmpfs inside " + house.at("late")));
      const auto device = house.mount_at("late").device;
      CHECK(soon([&] { return house.has_marked_superblock(device); }));
    }
  }

  TEST_CASE("nothing is marked that another one serves, nor what lies behind it") {
    CHECK_FALSE(opens_locally("fuse"));
    CHECK_FALSE(opens_locally("fuse.sshfs"));
    CHECK_FALSE(opens_locally("nfs4"));
    CHECK_FALSE(opens_locally("9p"));
    CHECK(opens_locally("tmpfs"));
    CHECK(opens_locally("ext4"));
    CHECK(opens_locally("zfs"));
  }

  TEST_CASE("following a namespace does not keep its mounts alive") {
    if (!stage::can_mount_overlays()) return;
    for (const bool use_events : {true, false}) {
      CAPTURE(use_events);
      const Overlay overlay;
      Bench bench;
      auto caller = std::make_unique<Process>();
      REQUIRE(caller->run(overlay.mount("upper")));
      bench.barrier(*caller);
      Mounts mounts({bench.marker, [](const std::string&) {}, use_events});
      mounts.enter(bench.only(), caller->proc(), caller->pid());
      caller.reset();
      CHECK(bench.something_went());
    }
  }
}
