#include "discovery_bench.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace holdfast::container::bench;

TEST_SUITE("runtimes called by hand") {
  TEST_CASE("the command line of a runtime names the overlay that it was told to start") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime(runtime_call(bundle_of(overlay.place, overlay.at("merged")), overlay.mount()));
    RuntimeBench bench;
    bench.barrier(runtime);
    const auto names = bench.only()->names();
    CHECK(names->id == "by-hand");
    CHECK(names->name == "by-hand");
    CHECK(names->runtime == "unit_container");
    CHECK(names->bundle == overlay.at("bundle"));
    CHECK(names->labels.at("tier") == "front");
    CHECK(bench.catalog.snapshots == 0);
  }

  TEST_CASE("a command line alone, of a program that is no runtime, is not believed") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process other(runtime_call(bundle_of(overlay.place, overlay.at("merged")), overlay.mount()));
    Bench bench;
    bench.discovery->set_runtimes({{1, 2}});
    bench.barrier(other);
    CHECK_FALSE(bench.only()->named());
  }

  TEST_CASE("nobody can name a container that belongs to somebody else") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process forger(runtime_call(bundle_of(overlay.place, overlay.at("merged")), overlay.mount(), 65534));
    RuntimeBench bench;
    bench.barrier(forger);
    CHECK_FALSE(bench.only()->named());
  }

  TEST_CASE("a plain directory is captured and every directory of it marked before the runtime goes on") {
    if (!stage::can_mount_overlays()) return;
    const stage::TemporaryDirectory place;
    for (const char* name : {"rootfs/bin", "rootfs/usr/local/bin", "rootfs/mnt"}) place.directory(name);
    std::filesystem::create_symlink("/usr", place.path() + "/rootfs/link");
    const Process runtime(
        runtime_call(bundle_of(place, "../rootfs"), fmt::format("mount -t tmpfs none {}/rootfs/mnt", place.path())));
    RuntimeBench bench;
    bench.barrier(runtime);
    const auto container = bench.only();
    CHECK(container->kind() == RootKind::snapshot);
    CHECK(container->names()->id == "by-hand");
    CHECK(bench.catalog.snapshots == 1);
    CHECK(bench.marker.roots.empty());
    CHECK(bench.marker.directories.size() == 5);  // not the tmpfs, not what the symlink names
    CHECK(bench.registry.find(container->device()) == nullptr);
    CHECK(bench.came.size() == 1);
    Process::Kind inside;
    inside.own_mounts = false;
    inside.root = place.path() + "/rootfs";
    const Process contained(inside);
    CHECK(bench.registry.find_snapshot_of(contained.proc()) == container);
    bench.barrier(runtime);
    CHECK(bench.catalog.snapshots == 1);
    CHECK(bench.came.size() == 1);
  }

  TEST_CASE("a plain directory that is deleted is forgotten") {
    if (!stage::can_mount_overlays()) return;
    const stage::TemporaryDirectory place;
    place.directory("rootfs");
    const Process runtime(runtime_call(bundle_of(place, "../rootfs")));
    RuntimeBench bench;
    bench.barrier(runtime);
    CHECK(bench.registry.all().size() == 1);
    std::filesystem::remove_all(place.path() + "/rootfs");
    CHECK(bench.something_went());
    bench.discovery->forget_unmounted();
    CHECK(bench.registry.all().empty());
  }

  TEST_CASE("the host's root, its system directories and other users' directories are refused with a sentence") {
    if (!stage::can_mount_overlays()) return;
    const stage::TemporaryDirectory place;
    place.directory("rootfs");
    RuntimeBench bench;
    for (const char* root : {"/", "/usr", "/tmp/.."}) {
      const Process runtime(runtime_call(bundle_of(place, root)));
      bench.problems.clear();
      bench.barrier(runtime);
      CHECK(bench.told("host's own"));
    }
    const Process stranger(runtime_call(bundle_of(place, place.path() + "/rootfs"), {}, 65534));
    bench.barrier(stranger);
    CHECK(bench.told("does not belong to the user"));
    CHECK(bench.registry.all().empty());
    CHECK(bench.marker.directories.empty());
  }

  TEST_CASE("a user's plain directory is taken, without the directories in it that the host's root owns") {
    if (!stage::can_mount_overlays()) return;
    const stage::TemporaryDirectory place;
    for (const char* name : {"rootfs/bin", "rootfs/roots/below"}) place.directory(name);
    for (const char* name : {"rootfs", "rootfs/bin", "rootfs/roots/below"}) {
      REQUIRE(::chown((place.path() + "/" + name).c_str(), 65534, 65534) == 0);
    }
    const Process runtime(runtime_call(bundle_of(place, place.path() + "/rootfs"), {}, 65534));
    RuntimeBench bench;
    bench.barrier(runtime);
    CHECK(bench.registry.all().size() == 1);
    CHECK(bench.marker.directories.size() == 2);
  }
}
