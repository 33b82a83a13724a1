#include "discovery_bench.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace holdfast::container::bench;

TEST_SUITE("policies") {
  TEST_CASE("a changed policy changes mode and mark of a running container") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process contained(inside_of(overlay, overlay.mount()));
    const Process runtime(runtime_call(bundle_of(overlay.place, overlay.at("merged")), overlay.mount("upper2")));
    Bench bench(policy::Mode::detect);
    bench.discovery->set_runtimes({own_program()});
    bench.barrier(runtime);
    const auto container = bench.only();
    REQUIRE(container->named());
    const auto marks = bench.marker.roots.size();
    bench.discovery->apply_policies();
    CHECK(bench.marker.roots.size() == marks);
    container->set_first_pid(contained.pid());  // of another root: must not be taken for the container's
    bench.set_policies(policy::Mode::prevent, {});
    bench.discovery->apply_policies();
    CHECK(container->mode() == policy::Mode::prevent);
    CHECK(bench.marker.roots.size() == marks);
    CHECK(bench.told("cannot be opened to change its mark"));
  }

  TEST_CASE("the mark of a container that runs is changed through its process") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process contained(inside_of(overlay, overlay.mount()));
    const dev_t root = root_device(contained);
    Bench bench(policy::Mode::detect);
    bench.discovery->scan_all();
    const auto container = bench.registry.find(root);
    REQUIRE(container != nullptr);
    bench.marker.roots.clear();
    bench.set_policies(policy::Mode::prevent, {});
    bench.discovery->apply_policies();
    const auto mark = std::find_if(bench.marker.roots.begin(), bench.marker.roots.end(),
                                   [&](const auto& one) { return one.device == root; });
    REQUIRE(mark != bench.marker.roots.end());
    CHECK(mark->mode == policy::Mode::prevent);
  }

  TEST_CASE("a container whose policy begins to judge libraries is marked again") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    Process::Kind inside;
    inside.prepare = overlay.mount();
    inside.root = overlay.at("merged");
    const Process contained(inside);
    auto judging = policy_for("libraries", "*", policy::Mode::detect);
    Bench bench(policy::Mode::detect, {judging});
    bench.discovery->scan_all();
    bench.marker.roots.clear();
    struct stat root {};
    REQUIRE(::fstatat(contained.proc(), "root", &root, 0) == 0);
    const auto marked = [&] {
      return std::any_of(bench.marker.roots.begin(), bench.marker.roots.end(),
                         [&](const auto& one) { return one.device == root.st_dev; });
    };
    judging.drift.verdicts[static_cast<std::size_t>(policy::Reason::library)] = policy::Verdict::alert;
    bench.set_policies(policy::Mode::detect, {judging});
    bench.discovery->apply_policies();
    CHECK(marked());
  }

  TEST_CASE("prohibited files are known as soon as the baseline is complete") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    auto denying = policy_for("deny", "*", policy::Mode::prevent);
    auto& netcat = denying.denies.emplace_back();
    netcat.name = "netcat";
    netcat.paths = {"/usr/bin/nc"};
    Bench bench(policy::Mode::detect, {denying});
    bench.catalog.unfinished_turns = 3;
    bench.barrier(runtime);
    const auto container = bench.only();
    REQUIRE(container->has_prohibitions());
    for (int i = 0; i < 2000 && !container->prohibitions_ready(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    REQUIRE(container->prohibitions_ready());
    CHECK(container->prohibited()->contains({42, 7, 1, 2}));
    CHECK_FALSE(container->prohibited()->contains({43, 7, 1, 2}));
  }
}
