#include "holdfast/container/discovery.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "holdfast/kernel/proc.h"

#include "fakes.h"
#include "stage.h"

using namespace holdfast;
using namespace holdfast::container;
using stage::Process;

namespace {

/// A discovery with fakes around it.
struct Bench {
  explicit Bench(policy::Mode mode = policy::Mode::detect, std::vector<policy::Policy> list = {}) {
    set_policies(mode, std::move(list));
  }
  void set_policies(policy::Mode mode, std::vector<policy::Policy> list) {
    policy::Drift defaults;
    defaults.mode = mode;
    policies = std::make_shared<const policy::PolicySet>(std::move(list), defaults);
  }
  void barrier(const Process& process) const { discovery->on_runtime_exec(process.proc(), process.pid()); }
  [[nodiscard]] std::shared_ptr<Container> only() const {
    const auto all = registry.all();
    REQUIRE(all.size() == 1);
    return all.front();
  }
  [[nodiscard]] bool told(const std::string& words) const {
    return std::any_of(problems.begin(), problems.end(),
                       [&](const auto& one) { return one.find(words) != std::string::npos; });
  }
  [[nodiscard]] bool something_went() const {
    pollfd poll{discovery->unmount_fd(), POLLIN, 0};
    return ::poll(&poll, 1, 2000) == 1;
  }

  Registry registry;
  fakes::Catalog catalog;
  fakes::Marker marker{registry};
  std::shared_ptr<const policy::PolicySet> policies;
  std::vector<std::pair<std::shared_ptr<Container>, std::string>> came;
  std::vector<std::string> problems;
  std::unique_ptr<Discovery> discovery = Discovery::create(
      {registry, catalog, marker, [this] { return policies; },
       [this](const auto& container, const auto& exposure) { came.emplace_back(container, exposure); },
       [this](const auto& sentence) { problems.push_back(sentence); }});
};

policy::Policy policy_for(const std::string& name, const std::string& image, policy::Mode mode) {
  policy::Policy policy;
  policy.name = name;
  policy.match.image = {image};
  policy.drift.mode = mode;
  return policy;
}

/// Directories for an overlay and the commands that mount it.
struct Overlay {
  Overlay() {
    for (const char* name : {"lower1", "lower2", "upper", "work", "merged"}) place.directory(name);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return place.path() + "/" + name; }
  [[nodiscard]] std::string mount(const std::string& upper = "upper", const std::string& merged = "merged") const {
    place.directory(upper);
    place.directory(upper + ".work");
    place.directory(merged);
    return fmt::format(
        "mount -t overlay overlay -o lowerdir={0}/lower2:{0}/lower1,upperdir={0}/{1},workdir={0}/{1}.work {0}/{2}",
        place.path(), upper, merged);
  }
  [[nodiscard]] std::string unmount(const std::string& merged = "merged") const {
    return fmt::format("umount {}/{}", place.path(), merged);
  }
  stage::TemporaryDirectory place;
};

std::string fixture(const std::string& name) {
  std::ifstream in(std::string(HOLDFAST_FIXTURES) + "/" + name);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::pair<dev_t, ino_t> own_program() {
  struct stat st {};
  REQUIRE(::stat("/proc/self/exe", &st) == 0);
  return {st.st_dev, st.st_ino};
}

/// An OCI bundle whose root is `root`.
std::string bundle_of(const stage::TemporaryDirectory& place, const std::string& root) {
  place.file("bundle/config.json", fmt::format(R"({{"root":{{"path":"{}"}},"annotations":{{"tier":"front"}}}})", root));
  return place.path() + "/bundle";
}

Process::Kind runtime_call(const std::string& bundle, const std::string& prepare = {}, uid_t uid = 0) {
  Process::Kind kind;
  kind.arguments = {"crun", "run", "--bundle", bundle, "by-hand"};
  kind.prepare = prepare;
  kind.uid = uid;
  return kind;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator begin("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

}  // namespace

TEST_SUITE("barrier") {
  TEST_CASE("a root that the caller mounted in a namespace of its own is known, then marked, then told of") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    Bench bench;
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

  TEST_CASE("the next barrier neither marks nor captures a root again that is still mounted") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    Bench bench;
    bench.barrier(runtime);
    REQUIRE(runtime.run(overlay.mount("upper2", "merged2")));
    bench.barrier(runtime);
    bench.barrier(runtime);
    CHECK(bench.registry.all().size() == 2);
    CHECK(bench.marker.roots.size() == 2);
    CHECK(bench.catalog.opened.size() == 2);
    CHECK(bench.came.size() == 2);
  }

  TEST_CASE("a root that could not be marked is told, and tried again at the next barrier") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    Bench bench;
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

  TEST_CASE("a container stopped and started again on its old upper directory is marked again") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    Bench bench;
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

  TEST_CASE("barriers at once admit a root once") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    Bench bench;
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

TEST_SUITE("names at the barrier") {
  TEST_CASE("podman's container has name, image, digest and its policy before its first process") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const std::string layer = "676b84ef381db8a715f327a94e8952b7252e583cdb7ab26be9939630d7f81c92";
    const std::string id = "22c5f9f1fc26b2a2c75d56828137b4637772cd67142e38490fae5a9c9fbe0315";
    overlay.place.file("storage/overlay-containers/containers.json", fixture("podman-containers.json"));
    overlay.place.file("storage/overlay-images/images.json", fixture("podman-images.json"));
    overlay.place.file("storage/overlay-containers/" + id + "/userdata/config.json", fixture("podman-config.json"));
    Process::Kind conmon;
    conmon.arguments = {"/usr/bin/conmon", "-c", id, "-r", "/usr/bin/crun", "-n", "hc-fix1"};
    const Process caller(conmon);
    REQUIRE(caller.run(overlay.mount("storage/overlay/" + layer + "/diff", "storage/overlay/" + layer + "/merged")));
    Bench bench(policy::Mode::detect, {policy_for("app", "*/rt-app:*", policy::Mode::prevent)});
    bench.barrier(caller);
    const auto container = bench.only();
    const auto names = container->names();
    CHECK(names->id == id);
    CHECK(names->name == "hc-fix1");
    CHECK(names->image == "localhost/rt-app:1");
    CHECK(names->digest == "sha256:a6b31aef8b53d3be694c0470657246e5866c507d48a54bb77c377cbcc25f447e");
    CHECK(names->runtime == "crun");
    CHECK(names->bundle == overlay.at("storage/overlay-containers/" + id + "/userdata"));
    CHECK(container->policy()->name == "app");
    CHECK(bench.marker.roots.at(0).mode == policy::Mode::prevent);
    CHECK_FALSE(bench.marker.roots.at(0).provisional);
  }

  TEST_CASE("state files behind symlinks are not read") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    overlay.place.file("elsewhere.json", R"([{"id":"forged","layer":"L","names":["forged"]}])");
    overlay.place.directory("storage/overlay-containers");
    std::filesystem::create_symlink(overlay.at("elsewhere.json"),
                                    overlay.at("storage/overlay-containers/containers.json"));
    const Process caller;
    REQUIRE(caller.run(overlay.mount("storage/overlay/L/diff")));
    Bench bench;
    bench.barrier(caller);
    CHECK_FALSE(bench.only()->named());
  }

  TEST_CASE("docker's container is named, and its own -init layer is no part of its image") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const std::string id = "937b7aeded3cda2e619120ea704549706cadb45252640dc1ae048eeb2ac5d569";
    overlay.place.file("docker/image/overlay2/layerdb/mounts/other/mount-id", "zzz");
    overlay.place.file("docker/image/overlay2/layerdb/mounts/" + id + "/mount-id", "f987");
    overlay.place.file("docker/image/overlay2/repositories.json", fixture("docker-repositories.json"));
    overlay.place.file("docker/containers/" + id + "/config.v2.json", fixture("docker-config.v2.json"));
    overlay.place.file("docker/containers/" + id + "/hostconfig.json", R"({"Runtime":"runc"})");
    for (const char* name : {"f987-init/diff", "image1/diff", "f987/diff", "f987/work", "f987/merged"}) {
      overlay.place.directory(std::string("docker/overlay2/") + name);
    }
    const Process caller;
    REQUIRE(caller.run("cd " + overlay.at("docker/overlay2") +
                       " && mount -t overlay overlay -o lowerdir=$PWD/f987-init/diff:$PWD/image1/diff,"
                       "upperdir=$PWD/f987/diff,workdir=$PWD/f987/work f987/merged"));
    Bench bench;
    bench.barrier(caller);
    const auto names = bench.only()->names();
    CHECK(names->id == id);
    CHECK(names->name == "hc-d1");
    CHECK(names->image == "localhost/rt-app:1");
    CHECK(names->runtime == "runc");
    CHECK(names->labels.at("tier") == "front");
    CHECK(bench.catalog.opened.at(0).lower_paths ==
          std::vector<std::string>{overlay.at("docker/overlay2/image1/diff")});
    CHECK(bench.catalog.opened.at(0).lower.size() == 1);
  }

  TEST_CASE("containerd's containers are named by the bundle beside the root, CRI's by their annotations") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const std::string tasks = "run/io.containerd.runtime.v2.task/";
    overlay.place.file(tasks + "k8s.io/9d18/config.json", fixture("cri-app.json"));
    overlay.place.file(tasks + "rt/hc-k1/config.json", fixture("ctr-config.json"));
    const Process caller;
    REQUIRE(caller.run(overlay.mount("1/fs", tasks + "k8s.io/9d18/rootfs")));
    Bench bench;
    bench.barrier(caller);
    const auto cri = bench.only()->names();
    CHECK(cri->id == "9d18");
    CHECK(cri->name == "podx-ctr");
    CHECK(cri->pod == "podx");
    CHECK(cri->name_space == "default");
    CHECK(cri->image == "localhost/rt-app:1");
    REQUIRE(caller.run(overlay.unmount(tasks + "k8s.io/9d18/rootfs") + " && " +
                       overlay.mount("2/fs", tasks + "rt/hc-k1/rootfs")));
    bench.barrier(caller);
    const auto ctr = bench.only()->names();
    CHECK(ctr->id == "hc-k1");
    CHECK(ctr->name == "hc-k1");
    CHECK(ctr->name_space == "rt");
    CHECK(ctr->image.empty());
    CHECK(ctr->labels.at("tier") == "x");
    CHECK(ctr->bundle == overlay.at(tasks + "rt/hc-k1"));
  }

  TEST_CASE("a container that nobody names yet is provisional, and its mark is made anew once it is named") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    Process::Kind conmon;
    conmon.arguments = {"conmon", "-c", "abc", "-n", "web", "-r", "/usr/bin/crun"};
    conmon.with_child = true;
    conmon.prepare = overlay.mount();
    const Process child(conmon);
    Bench bench(policy::Mode::detect, {policy_for("app", "x", policy::Mode::prevent)});
    bench.barrier(child);
    const auto container = bench.only();
    CHECK(bench.marker.roots.at(0).provisional);
    bench.discovery->on_first_exec(*container, child.proc(), child.pid());
    CHECK(container->first_pid() == child.pid());
    CHECK(container->named());
    CHECK(container->names()->id == "abc");
    CHECK(container->names()->name == "web");
    CHECK(container->names()->runtime == "crun");
    REQUIRE(bench.marker.roots.size() == 2);
    CHECK_FALSE(bench.marker.roots[1].provisional);
    CHECK(bench.marker.roots[1].device == container->device());
  }

  TEST_CASE("a program that calls itself conmon, of somebody who owns neither host nor container, names nothing") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process mounter;
    REQUIRE(mounter.run(overlay.mount()));
    Bench bench;
    bench.barrier(mounter);
    Process::Kind forger;
    forger.arguments = {"conmon", "-c", "forged", "-n", "forged"};
    forger.with_child = true;
    forger.uid = 65534;
    const Process child(forger);
    const auto container = bench.only();
    bench.discovery->on_first_exec(*container, child.proc(), child.pid());
    CHECK(container->names()->id != "forged");
    CHECK(container->named());
  }
}

TEST_SUITE("runtimes called by hand") {
  TEST_CASE("the command line of a runtime names the overlay that it was told to start") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime(runtime_call(bundle_of(overlay.place, overlay.at("merged")), overlay.mount()));
    Bench bench;
    bench.discovery->set_runtimes({own_program()});
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
    Bench bench;
    bench.discovery->set_runtimes({own_program()});
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
    Bench bench;
    bench.discovery->set_runtimes({own_program()});
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
    Bench bench;
    bench.discovery->set_runtimes({own_program()});
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
    Bench bench;
    bench.discovery->set_runtimes({own_program()});
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
    Bench bench;
    bench.discovery->set_runtimes({own_program()});
    bench.barrier(runtime);
    CHECK(bench.registry.all().size() == 1);
    CHECK(bench.marker.directories.size() == 2);
  }
}

TEST_SUITE("running containers") {
  TEST_CASE("a container that runs since before the service is found by its process, with that exposure") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    Process::Kind inside;
    inside.prepare = overlay.mount();
    inside.root = overlay.at("merged");
    const Process contained(inside);
    struct stat root {};
    REQUIRE(::fstatat(contained.proc(), "root", &root, 0) == 0);
    Bench bench;
    bench.discovery->scan_all();
    const auto container = bench.registry.find(root.st_dev);
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
    Process::Kind inside;
    inside.prepare = fmt::format(
        "mount -t tmpfs none {0} && mkdir {0}/lower {0}/upper {0}/work && "
        "mount -t overlay overlay -o lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work {1}",
        hidden, overlay.at("merged"));
    inside.root = overlay.at("merged");
    const Process contained(inside);
    struct stat root {};
    REQUIRE(::fstatat(contained.proc(), "root", &root, 0) == 0);
    Bench bench;
    bench.discovery->scan_all();
    CHECK(bench.registry.find(root.st_dev) == nullptr);
    CHECK(bench.told("not protected"));
  }
}

TEST_SUITE("policies") {
  TEST_CASE("a changed policy changes mode and mark of a running container") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    Process::Kind inside;
    inside.prepare = overlay.mount();
    inside.root = overlay.at("merged");
    const Process contained(inside);
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
    Process::Kind inside;
    inside.prepare = overlay.mount();
    inside.root = overlay.at("merged");
    const Process contained(inside);
    struct stat root {};
    REQUIRE(::fstatat(contained.proc(), "root", &root, 0) == 0);
    Bench bench(policy::Mode::detect);
    bench.discovery->scan_all();
    const auto container = bench.registry.find(root.st_dev);
    REQUIRE(container != nullptr);
    bench.marker.roots.clear();
    bench.set_policies(policy::Mode::prevent, {});
    bench.discovery->apply_policies();
    const auto mark = std::find_if(bench.marker.roots.begin(), bench.marker.roots.end(),
                                   [&](const auto& one) { return one.device == root.st_dev; });
    REQUIRE(mark != bench.marker.roots.end());
    CHECK(mark->mode == policy::Mode::prevent);
  }

  TEST_CASE("prohibited files are known as soon as the baseline is complete") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    auto denying = policy_for("deny", "*", policy::Mode::prevent);
    denying.denies.push_back({"netcat", {"/usr/bin/nc"}, {}, {}, {}});
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
