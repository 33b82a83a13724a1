#include "discovery_bench.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace holdfast::container::bench;

TEST_SUITE("running containers") {
  TEST_CASE("a container that runs since before the service is found by its process, with that exposure") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process contained(inside_of(overlay, overlay.mount()));
    const dev_t root = root_device(contained);
    Bench bench;
    bench.discovery->scan_all();
    const auto container = bench.registry.find(root);
    REQUIRE(container != nullptr);
    CHECK(container->first_pid() == contained.pid());
    CHECK(container->upper_directory() == overlay.at("upper"));
    REQUIRE(container->exposures().size() == 1);
    CHECK(container->exposures()[0].why == "started before the service");
    CHECK(container->exposures()[0].from <= container->exposures()[0].until);
    const auto told =
        std::find_if(bench.came.begin(), bench.came.end(), [&](const auto& one) { return one.first == container; });
    REQUIRE(told != bench.came.end());
    CHECK(told->second == "started before the service");
    CHECK(std::none_of(bench.came.begin(), bench.came.end(), [](const auto& one) { return one.second.empty(); }));
  }

  TEST_CASE("layers that a running container shows us, but the host does not see, are not believed") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const auto hidden = overlay.place.directory("hidden");
    const Process contained(inside_of(
        overlay, fmt::format("mount -t tmpfs none {0} && mkdir {0}/lower {0}/upper {0}/work && "
                             "mount -t overlay overlay -o lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work {1}",
                             hidden, overlay.at("merged"))));
    const dev_t root = root_device(contained);
    Bench bench;
    bench.discovery->scan_all();
    CHECK(bench.registry.find(root) == nullptr);
    CHECK(bench.told("not protected"));
  }
}
