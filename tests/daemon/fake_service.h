#pragma once

#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "holdfast/control/client.h"
#include "holdfast/daemon/commands.h"

#include "../baseline/fake_catalog.h"
#include "../control/temp_directory.h"

/// The service's commands over a real socket, with a real registry and a catalog that says what the test tells it to.
namespace holdfast::daemon::fakes {

class FakeBaseline final : public baseline::fakes::EmptyBaseline {
 public:
  explicit FakeBaseline(baseline::State state) : EmptyBaseline(std::string(64, 'a'), baseline::Kind::layers, state) {}
  [[nodiscard]] std::string failure() const override {
    return state() == baseline::State::failed ? "its layers are gone" : "";
  }
  [[nodiscard]] std::size_t file_count() const override { return 7; }
};

class FakeCatalog final : public baseline::fakes::EmptyCatalog {
 public:
  [[nodiscard]] Result<std::vector<baseline::ImageSummary>> list() const override {
    std::vector<baseline::ImageSummary> images(2);
    images[0].id = std::string(64, 'a');
    images[0].names = {"nginx:1.27", "evil\n\xff"};
    images[0].files = 7;
    images[1].id = std::string(64, 'b');
    return images;
  }
  [[nodiscard]] Result<std::string> resolve(std::string_view image) const override {
    if (image == "nginx:1.27") return std::string(64, 'a');
    if (image == "gone") return std::string(64, 'b');
    return Error{ENOENT, "no such image"};
  }
  [[nodiscard]] Result<std::vector<baseline::ImageFile>> files(const std::string&) const override {
    std::vector<baseline::ImageFile> files(1);
    files[0].path = "/bin/\xff";
    files[0].mode = 0100755;
    return files;
  }
  [[nodiscard]] Result<std::vector<baseline::Difference>> verify(const std::string& id, bool write,
                                                                 const Progress& progress) override {
    if (id.front() == 'b') return Error{0, "the layers are gone"};
    progress(7, 7);
    written = write;
    return std::vector<baseline::Difference>{{baseline::Difference::What::changed, "/bin/sh", Sha256{}, Sha256{}}};
  }
  [[nodiscard]] Result<std::vector<std::string>> images_with_program(std::uint64_t, const Sha256&,
                                                                     Steady::time_point) const override {
    return std::vector<std::string>{"tools:1", "evil\n"};
  }
  [[nodiscard]] Result<std::uint64_t> prune_layered(std::int64_t before) override { return prune(before); }
  [[nodiscard]] Result<std::uint64_t> prune(std::int64_t before) override {
    pruned_before = before;
    return std::uint64_t{1};
  }

  std::atomic<bool> written = false;
  std::atomic<std::int64_t> pruned_before = 0;
};

class FakeDiscovery final : public container::Discovery {
 public:
  void set_runtimes(std::vector<std::pair<dev_t, ino_t>>) override {}
  void on_runtime_exec(int, pid_t) override {}
  void on_first_exec(container::Container&, int, pid_t) override {}
  void scan_all() override {}
  void scan_host() override {}
  [[nodiscard]] int unmount_fd() const override { return -1; }
  void forget_unmounted() override {}
  void review_unprotected() override {}
  void apply_policies() override {
    if (on_apply) on_apply();
  }
  std::function<void()> on_apply;
  [[nodiscard]] container::Mounts& mounts() override { return mounts_; }

 private:
  class NoMarker final : public container::Marker {
    Result<void> mark_root(int, const container::Container&) override { return {}; }
    Result<void> mark_mount(int, const container::Container&) override { return {}; }
    Result<void> mark_directory(int, const container::Container&) override { return {}; }
  };
  NoMarker marker_;
  container::Mounts mounts_{{marker_, {}}};
};

inline std::shared_ptr<const policy::Policy> web_policy() {
  auto policy = std::make_shared<policy::Policy>();
  policy->name = "50-web.policy";
  policy->match.image = {"*/nginx:*"};
  policy->drift.mode = policy::Mode::prevent;
  policy::Rule rule;
  rule.name = "plugins";
  rule.paths = {"/opt/*"};
  rule.until = std::chrono::sys_seconds(std::chrono::seconds{1000});
  policy->allows.push_back(rule);
  policy::Rule by_program;
  by_program.name = "updater";
  by_program.parents = {"/usr/bin/updater"};
  by_program.images = {"*/tools:*"};
  policy->allows.push_back(by_program);
  policy::VolumeRule volume;
  volume.name = "data";
  volume.destinations = {"/data"};
  volume.read_only = false;
  volume.verdict = policy::Verdict::deny;
  policy->volumes.push_back(volume);
  policy->drift.action = policy::Drift::Action::kill;
  return policy;
}

struct Service {
  Service() {
    add(4711, "web-1", baseline::State::complete);
    context.reload = [this]() -> Result<void> {
      if (reload_fails) return Error{0, "50-web.policy:3: [Drift] Mode: wrong"};
      return {};
    };
    context.policies = [] {
      return std::make_shared<const policy::PolicySet>(std::vector<policy::Policy>{*web_policy()}, policy::Drift());
    };
    context.rule_uses = [](const policy::Policy& policy, const std::string& rule) {
      const std::uint64_t uses = policy.name == "50-web.policy" && rule == "plugins" ? 42 : 0;
      return gate::RuleUse::Uses{uses, Wall::time_point(std::chrono::hours(1))};
    };
    context.kernel_features = {{"fanotify", true, ""}, {"memfd_noexec", false, "memfd are judged after the fact"}};
    discovery.on_apply = [this] {
      for (const auto& one : registry.all()) one->set_policy(one->own_policy(), overrides.find(*one));
    };
    daemon::add_commands(server, context);
    REQUIRE(server.start().ok());
  }

  std::shared_ptr<container::Container> add(dev_t device, const std::string& name, baseline::State state) {
    auto added =
        std::make_shared<container::Container>(device, container::RootKey{1, device, 0}, container::RootKind::overlay,
                                               std::make_shared<FakeBaseline>(state), "", "");
    container::Names names;
    names.id = std::string(64, '0') + name;
    names.name = name;
    names.image = "docker.io/nginx:1.27";
    added->set_names(names);
    added->set_policy(web_policy());
    registry.put(added);
    return added;
  }

  control::Answer ask(const std::string& command, boost::json::object arguments = {}) {
    items.clear();
    auto client = control::Client::connect(directory / "control.sock");
    REQUIRE(std::holds_alternative<control::Client>(client));
    return std::get<control::Client>(client).call(
        command, std::move(arguments),
        [&](control::Message::Kind kind, const boost::json::value& value) {
          if (kind == control::Message::Kind::item) items.push_back(value);
        },
        std::chrono::seconds{10});
  }
  boost::json::value result(const std::string& command, boost::json::object arguments = {}) {
    auto answer = ask(command, std::move(arguments));
    if (auto* failure = std::get_if<control::Failure>(&answer)) FAIL(failure->message);
    return std::get<boost::json::value>(answer);
  }
  control::Failure failure(const std::string& command, boost::json::object arguments = {}) {
    auto answer = ask(command, std::move(arguments));
    REQUIRE(std::holds_alternative<control::Failure>(answer));
    return std::get<control::Failure>(answer);
  }

  TempDirectory directory;
  container::Registry registry;
  container::UnprotectedList unprotected;
  FakeDiscovery discovery;
  FakeCatalog catalog;
  gate::Counters counters;
  alert::Queue alerts{{}, {}};
  container::Overrides overrides{catalog};
  std::vector<alert::Alert> told;
  policy::OverrideClock clock{std::chrono::floor<std::chrono::seconds>(Wall::now()), "", std::chrono::seconds{0}};
  daemon::Overriding overriding{{.registry = registry,
                                 .discovery = discovery,
                                 .overrides = overrides,
                                 .tell = [this](alert::Alert alert) { told.push_back(std::move(alert)); },
                                 .clock = [this] { return clock; }}};
  daemon::ServiceContext context{.registry = registry,
                                 .unprotected = unprotected,
                                 .discovery = discovery,
                                 .catalog = catalog,
                                 .counters = counters,
                                 .alerts = alerts,
                                 .policies = {},
                                 .reload = {},
                                 .kernel_features = {},
                                 .started = Wall::now(),
                                 .settings = [] { return policy::Settings(); },
                                 .rule_uses = {},
                                 .overriding = &overriding};
  std::atomic<bool> reload_fails = false;
  std::vector<boost::json::value> items;
  control::Server server{{.socket = directory / "control.sock"}};
};

}  // namespace holdfast::daemon::fakes
