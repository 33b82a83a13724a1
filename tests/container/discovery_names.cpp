#include "discovery_bench.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace holdfast::container::bench;

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

  TEST_CASE("a container that Podman 5 removes when it ends has its names and labels, too") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const std::string id = "a7ad8e726bd32115d74c6e392860e4010bf50a2e52de89bedbb64ff15cf433d9";  // of podman-db.sql
    overlay.place.file("storage/overlay-containers/containers.json", "[]");
    overlay.place.file("storage/overlay-containers/volatile-containers.json",
                       R"([{"id":")" + id + R"(","layer":"L","names":["labelled"]}])");
    overlay.place.file("storage/db.sql", fixture("podman-db.sql"));
    const Process caller;
    REQUIRE(caller.run(overlay.mount("storage/overlay/L/diff")));
    Bench bench;
    bench.barrier(caller);
    const auto names = bench.only()->names();
    CHECK(names->id == id);
    CHECK(names->name == "labelled");
    CHECK_FALSE(names->labels_unknown);
    CHECK(names->labels == std::map<std::string, std::string>{{"tier", "front"}});
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
