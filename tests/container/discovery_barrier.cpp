#include "discovery_bench.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace holdfast::container::bench;

TEST_SUITE("barrier") {
  TEST_CASE_FIXTURE(MountedOverlay,
                    "a root that the caller mounted in a namespace of its own is known, then marked, then told of") {
    if (!ready) return;
    bench.barrier(runtime);
    const auto container = bench.only();
    CHECK(container->upper_directory() == overlay.at("upper"));
    CHECK(container->root_mount_point() == overlay.at("merged"));
    CHECK(container->kind() == RootKind::overlay);
    CHECK(container->exposures().empty());
    REQUIRE(bench.marker.roots.size() == 1);
    CHECK(bench.marker.roots[0].device == container->device());
    CHECK(bench.marker.roots[0].registered);
    REQUIRE(bench.came.size() == 1);
    CHECK(bench.came[0].second.empty());
    REQUIRE(bench.catalog.opened.size() == 1);
    const auto& layers = bench.catalog.opened[0];
    CHECK(layers.lower_paths == std::vector<std::string>{overlay.at("lower2"), overlay.at("lower1")});
    CHECK_FALSE(layers.mount_namespace.valid());
    CHECK(bench.problems.empty());
  }

  TEST_CASE_FIXTURE(MountedOverlay, "the next barrier neither marks nor captures a root again that is still mounted") {
    if (!ready) return;
    bench.barrier(runtime);
    REQUIRE(runtime.run(overlay.mount("upper2", "merged2")));
    bench.barrier(runtime);
    bench.barrier(runtime);
    CHECK(bench.registry.all().size() == 2);
    CHECK(bench.marker.roots.size() == 2);
    CHECK(bench.catalog.opened.size() == 2);
    CHECK(bench.came.size() == 2);
  }

  TEST_CASE_FIXTURE(MountedOverlay, "a root that could not be marked is told, and tried again at the next barrier") {
    if (!ready) return;
    bench.marker.refuse = true;
    bench.barrier(runtime);
    CHECK(bench.told("not protected"));
    CHECK_FALSE(bench.only()->exposures().empty());
    const auto container = bench.only();
    bench.marker.refuse = false;
    bench.barrier(runtime);
    CHECK(bench.marker.roots.size() == 2);
    CHECK(bench.only() == container);
    bench.barrier(runtime);
    CHECK(bench.marker.roots.size() == 2);
  }

  TEST_CASE("the runtime can unmount what was discovered, and the container is forgotten when its last mount goes") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    overlay.place.directory("second");
    REQUIRE(runtime.run(overlay.mount() + fmt::format(" && mount --bind {0}/merged {0}/second", overlay.place.path())));
    Bench bench;
    const auto descriptors = open_descriptors();
    bench.barrier(runtime);
    bench.catalog.opened.clear();
    CHECK(open_descriptors() == descriptors);
    CHECK(runtime.run(overlay.unmount("second")));
    bench.discovery->forget_unmounted();
    CHECK(bench.registry.all().size() == 1);
    CHECK(runtime.run(overlay.unmount()));
    CHECK(bench.something_went());
    bench.discovery->forget_unmounted();
    CHECK(bench.registry.all().empty());
  }

  TEST_CASE_FIXTURE(MountedOverlay,
                    "a container stopped and started again on its old upper directory is marked again") {
    if (!ready) return;
    bench.barrier(runtime);
    const auto first = bench.only();
    REQUIRE(runtime.run(overlay.unmount() + " && " + overlay.mount()));
    bench.barrier(runtime);
    CHECK(bench.only() != first);
    CHECK(bench.only()->key() == first->key());
    CHECK(bench.marker.roots.size() == 2);
    bench.discovery->forget_unmounted();
    CHECK(bench.registry.all().size() == 1);
  }

  TEST_CASE("another container on a device number that was free again has its own layers") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    Bench bench;
    for (int i = 0; i < 5; ++i) {
      REQUIRE(runtime.run(overlay.mount(fmt::format("upper{}", i))));
      bench.barrier(runtime);
      CHECK(bench.only()->upper_directory() == overlay.at(fmt::format("upper{}", i)));
      REQUIRE(runtime.run(overlay.unmount()));
    }
    CHECK(bench.catalog.opened.size() == 5);
  }

  TEST_CASE("layers given relative to a directory that nobody names are found by where all of them exist") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    overlay.place.directory("storage/l");
    for (const char* name : {"A/diff", "B/diff", "C/diff", "C/work", "C/merged"}) {
      overlay.place.directory(std::string("storage/") + name);
    }
    std::filesystem::create_symlink("../A/diff", overlay.at("storage/l/AAA"));
    std::filesystem::create_symlink("../B/diff", overlay.at("storage/l/BBB"));
    const Process runtime;
    REQUIRE(
        runtime.run("cd " + overlay.at("storage") +
                    " && mount -i -t overlay overlay -o lowerdir=l/AAA:l/BBB,upperdir=C/diff,workdir=C/work C/merged"));
    Bench bench;
    bench.barrier(runtime);
    CHECK(bench.only()->upper_directory() == overlay.at("storage/C/diff"));
    CHECK(bench.catalog.opened[0].lower_paths ==
          std::vector<std::string>{overlay.at("storage/A/diff"), overlay.at("storage/B/diff")});
  }

  TEST_CASE("layers that only the mounter sees are opened in its namespace") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const auto hidden = overlay.place.directory("hidden");
    const Process runtime;
    REQUIRE(runtime.run(
        fmt::format("mount -t tmpfs none {0} && mkdir {0}/lower {0}/upper {0}/work && "
                    "mount -t overlay overlay -o lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work {1}",
                    hidden, overlay.at("merged"))));
    Bench bench;
    bench.barrier(runtime);
    REQUIRE(bench.catalog.opened.size() == 1);
    CHECK(bench.catalog.opened[0].lower.size() == 1);
    CHECK(bench.catalog.opened[0].lower_paths.empty());
    CHECK(bench.catalog.opened[0].mount_namespace.valid());
  }

  TEST_CASE("a tree of ours at the path of the mounter's layer is not taken for it") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;  // lower1 and lower2 exist on our side, empty
    const Process runtime;
    REQUIRE(runtime.run(fmt::format("mount -t tmpfs none {} && ", overlay.at("lower2")) + overlay.mount()));
    Bench bench;
    bench.barrier(runtime);
    REQUIRE(bench.catalog.opened.size() == 1);
    CHECK(bench.catalog.opened[0].mount_namespace.valid());
    struct stat layer {};
    struct stat ours {};
    REQUIRE(::fstat(bench.catalog.opened[0].lower[0].get(), &layer) == 0);
    REQUIRE(::stat(overlay.at("lower2").c_str(), &ours) == 0);
    CHECK(layer.st_dev != ours.st_dev);
  }

  TEST_CASE("a root that another mount covers is reached by its other mount, and a hidden one is told of") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    overlay.place.directory("second");
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount() + fmt::format(" && mount -t tmpfs none {}", overlay.at("merged"))));
    Bench bench;
    bench.barrier(runtime);
    CHECK(bench.registry.all().empty());
    CHECK(bench.told("covers it"));
    REQUIRE(runtime.run(overlay.unmount() + fmt::format(" && mount --bind {0} {1} && mount -t tmpfs none {0}",
                                                        overlay.at("merged"), overlay.at("second"))));
    bench.barrier(runtime);
    CHECK(bench.registry.all().size() == 1);
  }

  TEST_CASE("read-only overlays and the host's own file systems are left alone") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(
        fmt::format("mount -t overlay overlay -o lowerdir={0}/lower2:{0}/lower1 {0}/merged", overlay.place.path())));
    Bench bench;
    bench.barrier(runtime);
    CHECK(bench.registry.all().empty());
    CHECK(bench.problems.empty());
  }

  TEST_CASE_FIXTURE(MountedOverlay, "barriers at once admit a root once") {
    if (!ready) return;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { bench.barrier(runtime); });
    for (auto& thread : threads) thread.join();
    CHECK(bench.came.size() == 1);
    CHECK(bench.marker.roots.size() == 1);
  }

  TEST_CASE("a caller that is gone is no problem") {
    Bench bench;
    UniqueFd proc;
    {
      const Process gone(Process::Kind{.own_mounts = false});
      proc = kernel::open_proc(gone.pid()).value();
    }
    bench.discovery->on_runtime_exec(proc.get(), 1);
    CHECK(bench.registry.all().empty());
    CHECK(bench.problems.empty());
  }
}
