#pragma once

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

#include "holdfast/container/discovery.h"
#include "holdfast/kernel/proc.h"

#include "fakes.h"
#include "stage.h"

/// What the tests of discovery share: a discovery with fakes around it, and directories to mount.
namespace holdfast::container::bench {

using stage::Process;

/// A discovery with fakes around it.
struct Bench {
  explicit Bench(policy::Mode mode = policy::Mode::detect, std::vector<policy::Policy> list = {},
                 Wall::time_point alive = {})
      : last_alive(alive) {
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

  const Wall::time_point last_alive;
  Registry registry;
  fakes::Catalog catalog;
  fakes::Marker marker{registry};
  std::shared_ptr<const policy::PolicySet> policies;
  std::vector<std::pair<std::shared_ptr<Container>, std::string>> came;
  std::vector<std::string> problems;
  UnprotectedList unprotected;
  std::unique_ptr<Discovery> discovery = Discovery::create(
      {registry, catalog, marker, [this] { return policies; },
       [this](const auto& container, const auto& exposure) { came.emplace_back(container, exposure); },
       [this](const auto& sentence) { problems.push_back(sentence); },
       [this](const auto& sentence) { problems.push_back(sentence); }, unprotected, last_alive});
};

inline policy::Policy policy_for(const std::string& name, const std::string& image, policy::Mode mode) {
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

/// An overlay that a process mounted in a namespace of its own, as engines do before they execute a runtime.
struct MountedOverlay {
  MountedOverlay() {
    if (ready) REQUIRE(runtime.run(overlay.mount()));
  }
  const bool ready = stage::can_mount_overlays();  ///< else the test has nothing to stand on
  const Overlay overlay;
  const Process runtime{Process::Kind{.own_mounts = ready}};
  Bench bench;
};

/// How a process lives inside of a container whose root `prepare` mounts at "merged".
inline Process::Kind inside_of(const Overlay& overlay, const std::string& prepare) {
  Process::Kind inside;
  inside.prepare = prepare;
  inside.root = overlay.at("merged");
  return inside;
}

inline dev_t root_device(const Process& contained) {
  struct stat root {};
  REQUIRE(::fstatat(contained.proc(), "root", &root, 0) == 0);
  return root.st_dev;
}

inline std::string fixture(const std::string& name) {
  std::ifstream in(std::string(HOLDFAST_FIXTURES) + "/" + name);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::pair<dev_t, ino_t> own_program() {
  struct stat st {};
  REQUIRE(::stat("/proc/self/exe", &st) == 0);
  return {st.st_dev, st.st_ino};
}

/// One for which the test's own program is a runtime.
struct RuntimeBench : Bench {
  RuntimeBench() { discovery->set_runtimes({own_program()}); }
};

/// An OCI bundle whose root is `root`.
inline std::string bundle_of(const stage::TemporaryDirectory& place, const std::string& root) {
  place.file("bundle/config.json", fmt::format(R"({{"root":{{"path":"{}"}},"annotations":{{"tier":"front"}}}})", root));
  return place.path() + "/bundle";
}

inline Process::Kind runtime_call(const std::string& bundle, const std::string& prepare = {}, uid_t uid = 0) {
  Process::Kind kind;
  kind.arguments = {"crun", "run", "--bundle", bundle, "by-hand"};
  kind.prepare = prepare;
  kind.uid = uid;
  return kind;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator begin("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

}  // namespace holdfast::container::bench
