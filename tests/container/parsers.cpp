#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

using namespace holdfast;
using namespace holdfast::container;

namespace {

std::string parsed_fixture(const std::string& name) {
  std::ifstream in(std::string(HOLDFAST_FIXTURES) + "/" + name);
  std::ostringstream text;
  text << in.rdbuf();
  REQUIRE_MESSAGE(!text.str().empty(), name);
  return text.str();
}

constexpr const char* kId = "22c5f9f1fc26b2a2c75d56828137b4637772cd67142e38490fae5a9c9fbe0315";
constexpr const char* kImageId = "34b3a56547a98ad69b415df9d4701b6d6147e7b28ba2ab412bd639466b09a897";

std::string id_of(const std::string& cgroup) { return container_id_of(kernel::parse_cgroup(cgroup)); }

}  // namespace

TEST_SUITE("bundle") {
  TEST_CASE("a CRI container's bundle gives name, image, pod and namespace") {
    const auto config = parse_bundle_config(parsed_fixture("cri-app.json"));
    REQUIRE(config.ok());
    CHECK(config->root_path == "rootfs");
    Names names;
    apply_annotations(config->annotations, names);
    CHECK(names.name == "podx-ctr");
    CHECK(names.image == "localhost/rt-app:1");
    CHECK(names.pod == "podx");
    CHECK(names.name_space == "default");
    CHECK(names.labels.empty());
  }

  TEST_CASE("a pod's pause container is named after its pod and has no image") {
    Names names;
    apply_annotations(parse_bundle_config(parsed_fixture("cri-sandbox.json"))->annotations, names);
    CHECK(names.name == "podx");
    CHECK(names.pod == "podx");
    CHECK(names.image.empty());
  }

  TEST_CASE("podman's misleading cri-o annotations name nothing; true ones of CRI-O do") {
    Names podman;
    apply_annotations(parse_bundle_config(parsed_fixture("podman-config.json"))->annotations, podman);
    CHECK(podman.name.empty());
    CHECK(podman.image.empty());
    CHECK(podman.labels.count("io.kubernetes.cri-o.TTY") == 0);
    CHECK(podman.labels.at("org.opencontainers.image.base.name") == "localhost/rt-debian:12");
    Names crio;
    apply_annotations({{"io.container.manager", "cri-o"},
                       {"io.kubernetes.container.name", "web"},
                       {"io.kubernetes.cri-o.ImageName", "quay.io/web:1"},
                       {"io.kubernetes.pod.name", "web-0"},
                       {"io.kubernetes.pod.namespace", "prod"},
                       {"io.kubernetes.cri-o.Labels", R"({"tier":"front","n":1})"}},
                      crio);
    CHECK(crio.name == "web");
    CHECK(crio.image == "quay.io/web:1");
    CHECK(crio.pod == "web-0");
    CHECK(crio.name_space == "prod");
    CHECK(crio.labels.at("tier") == "front");
  }

  TEST_CASE("ctr's labels are its bundle's annotations") {
    Names names;
    apply_annotations(parse_bundle_config(parsed_fixture("ctr-config.json"))->annotations, names);
    CHECK(names.labels.at("tier") == "x");
  }

  TEST_CASE("hostile bundles are bounded and wrong types are as good as nothing") {
    CHECK_FALSE(parse_bundle_config("").ok());
    CHECK_FALSE(parse_bundle_config("[]").ok());
    CHECK_FALSE(parse_bundle_config(std::string(kBundleLimit + 1, ' ')).ok());
    CHECK_FALSE(parse_bundle_config(std::string(100'000, '[')).ok());
    CHECK_FALSE(parse_bundle_config(R"({"root":{"path":"/a\u0000b"}})").ok());
    const auto odd = parse_bundle_config(R"({"root":7,"annotations":{"a":1,"b":"c","d":null}})");
    REQUIRE(odd.ok());
    CHECK(odd->root_path == "rootfs");
    CHECK(odd->annotations == std::map<std::string, std::string>{{"b", "c"}});
    std::string many = R"({"annotations":{)";
    for (int i = 0; i < 5000; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"x\"";
    CHECK(parse_bundle_config(many + "}}")->annotations.size() == kMaxLabels);
  }
}

TEST_SUITE("invocation") {
  TEST_CASE("runc as containerd calls it") {
    const auto call = parse_invocation({"runc", "--root", "/run/containerd/runc/k8s.io", "--log", "/l", "--log-format",
                                        "json", "create", "--bundle", "/run/b", "--pid-file", "/run/p", "abc"});
    REQUIRE(call.has_value());
    CHECK(call->command == Invocation::Command::create);
    CHECK(call->state_root == "/run/containerd/runc/k8s.io");
    CHECK(call->bundle == "/run/b");
    CHECK(call->id == "abc");
  }

  TEST_CASE("crun as podman calls it, and by hand in every spelling of the bundle") {
    const auto podman = parse_invocation({"/usr/bin/crun", "--systemd-cgroup", "--root=/run/crun", "create", "--bundle",
                                          "/b", "--pid-file", "/p", "ID"});
    REQUIRE(podman.has_value());
    CHECK(podman->bundle == "/b");
    CHECK(podman->id == "ID");
    for (const std::vector<std::string>& way : {std::vector<std::string>{"crun", "run", "-d", "-b", "/b", "x"},
                                                {"crun", "run", "-b/b", "x"},
                                                {"crun", "run", "--bundle=/b", "x"},
                                                {"runc", "run", "-b=/b", "--no-pivot", "x"},
                                                {"crun", "run", "x", "-b", "/b"},
                                                {"runc", "--debug", "run", "-bundle", "/b", "--", "x"}}) {
      const auto call = parse_invocation(way);
      REQUIRE(call.has_value());
      CHECK(call->bundle == "/b");
      CHECK(call->id == "x");
    }
    CHECK(parse_invocation({"runc", "run", "x"})->bundle.empty());
    CHECK(parse_invocation({"runc", "start", "x"})->command == Invocation::Command::start);
  }

  TEST_CASE("other commands and nonsense are no start of a container") {
    for (const std::vector<std::string>& way : {std::vector<std::string>{},
                                                {"runc"},
                                                {"runc", "--root"},
                                                {"runc", "delete", "x"},
                                                {"runc", "exec", "run", "x"},
                                                {"runc", "run"},
                                                {"runc", "run", "-b"},
                                                {"runc", "run", "-b", "/b"},
                                                {"runc", "run", ""},
                                                {"runc", "--", "-"},
                                                {"runc", "init"}}) {
      CHECK_FALSE(parse_invocation(way).has_value());
    }
  }
}

TEST_SUITE("state files") {
  TEST_CASE("podman's list names a layer's container") {
    const auto stored = parse_stored_containers(parsed_fixture("podman-containers.json"),
                                                "676b84ef381db8a715f327a94e8952b7252e583cdb7ab26be9939630d7f81c92");
    REQUIRE(stored.has_value());
    CHECK(stored->id == kId);
    CHECK(stored->name == "hc-fix1");
    CHECK(stored->image == "localhost/rt-app:1");
    CHECK(stored->image_id == kImageId);
    CHECK(parse_stored_image_digest(parsed_fixture("podman-images.json"), stored->image_id) ==
          "sha256:a6b31aef8b53d3be694c0470657246e5866c507d48a54bb77c377cbcc25f447e");
    CHECK(parse_stored_containers(parsed_fixture("podman-containers.json"), "77")->image.empty());
    CHECK_FALSE(parse_stored_containers(parsed_fixture("podman-containers.json"), "none").has_value());
    CHECK_FALSE(parse_stored_containers("{}", "none").has_value());
    CHECK(parse_stored_image_digest("[{\"id\":3}]", "none").empty());
  }

  TEST_CASE("docker's container file gives name, image, labels, and the repository digest where there is one") {
    const auto names = parse_docker_container(parsed_fixture("docker-config.v2.json"));
    REQUIRE(names.has_value());
    CHECK(names->id == "937b7aeded3cda2e619120ea704549706cadb45252640dc1ae048eeb2ac5d569");
    CHECK(names->name == "hc-d1");
    CHECK(names->image == "localhost/rt-app:1");
    CHECK(names->labels.at("tier") == "front");
    CHECK(names->digest == std::string("sha256:") + kImageId);
    const auto repositories = parsed_fixture("docker-repositories.json");
    CHECK(parse_docker_digest(repositories, names->digest).empty());
    CHECK(
        parse_docker_digest(repositories, "sha256:aa00000000000000000000000000000000000000000000000000000000000000") ==
        "sha256:bb00000000000000000000000000000000000000000000000000000000000000");
    CHECK_FALSE(parse_docker_container("{}").has_value());
    CHECK_FALSE(parse_docker_container("[1]").has_value());
  }

  TEST_CASE("cgroups of every runtime tell the container's id") {
    const std::string id = kId;
    CHECK(id_of("9:name=systemd:/libpod_parent/libpod-" + id + "\n0::/\n") == id);
    CHECK(id_of("0::/machine.slice/libpod-" + id + ".scope/container/init.scope\n") == id);
    CHECK(id_of("8:pids:/docker/" + id + "\n") == id);
    CHECK(id_of("0::/system.slice/docker-" + id + ".scope\n") == id);
    CHECK(id_of("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope\n") == id);
    CHECK(id_of("8:pids:/kubepods/pod10495f03-b3cc-4ca4-adf8-0bca3d90422e/" + id + "\n") == id);
    CHECK(id_of("9:name=systemd:/rt/hc-k1\n8:pids:/rt/hc-k1\n") == "hc-k1");
    CHECK(id_of("0::/oci-crun\n") == "oci-crun");
    CHECK(id_of("0::/system.slice/crun-web.scope\n") == "web");
  }

  TEST_CASE("a container cannot rename itself by cgroups that it makes below its own") {
    const std::string id = kId;
    const std::string forged(64, 'f');
    CHECK(id_of("0::/docker/" + id + "/libpod-" + forged + ".scope\n") == id);
  }

  TEST_CASE("the host's own cgroups are no containers") {
    CHECK(id_of("0::/\n").empty());
    CHECK(id_of("0::/system.slice/ssh.service\n").empty());
    CHECK(id_of("0::/user.slice/user-1000.slice\n").empty());
    CHECK(id_of("4:memory:/process_api/4b35bd9fe34e131dc3b83fa567ec5150\n3:cpuset:/x\n").empty());
    CHECK(id_of("").empty());
  }

  TEST_CASE("conmon's arguments name its container, those it keeps for podman do not") {
    const auto conmon = parse_conmon({"/usr/bin/conmon", "--api-version", "1", "-c", kId, "-u", kId, "-r",
                                      "/usr/bin/crun", "-b", "/s/userdata", "-n", "web", "--exit-command",
                                      "/usr/bin/podman", "--exit-command-arg", "-n", "forged"});
    REQUIRE(conmon.has_value());
    CHECK(conmon->id == kId);
    CHECK(conmon->name == "web");
    CHECK(conmon->runtime == "/usr/bin/crun");
    CHECK(conmon->bundle == "/s/userdata");
    CHECK_FALSE(parse_conmon({"conmon", "-n", "x"}).has_value());
    CHECK_FALSE(parse_conmon({"/usr/bin/sleep", "-c", "x"}).has_value());
    CHECK_FALSE(parse_conmon({}).has_value());
  }
}
