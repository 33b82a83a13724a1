// The service's commands over a real socket, with a real registry and a catalog that says what the test tells it to.

#include "holdfast/daemon/commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "holdfast/control/client.h"

#include "../../src/daemon/commands/open_in_container.h"
#include "../control/temp_directory.h"

using namespace holdfast;
using namespace holdfast::control;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

class FakeBaseline final : public baseline::Baseline {
 public:
  explicit FakeBaseline(baseline::State state) : state_(state) {}
  [[nodiscard]] const std::string& id() const override { return id_; }
  [[nodiscard]] baseline::Kind kind() const override { return baseline::Kind::layers; }
  [[nodiscard]] baseline::State state() const override { return state_; }
  [[nodiscard]] std::string failure() const override {
    return state_ == baseline::State::failed ? "its layers are gone" : "";
  }
  [[nodiscard]] std::size_t file_count() const override { return 7; }
  [[nodiscard]] bool is_image_code(const Identity&) const noexcept override { return false; }
  [[nodiscard]] bool wait_walked(Steady::time_point) const override { return true; }
  [[nodiscard]] Result<std::optional<baseline::ImageFile>> at_path(std::string_view) const override {
    return std::optional<baseline::ImageFile>{};
  }
  [[nodiscard]] Result<Sha256> hash(const baseline::ImageFile&, Steady::time_point) const override { return Sha256{}; }
  [[nodiscard]] bool has_size(std::uint64_t) const noexcept override { return false; }
  [[nodiscard]] Result<std::optional<baseline::ImageFile>> find_content(std::uint64_t, const Sha256&,
                                                                        Steady::time_point) const override {
    return std::optional<baseline::ImageFile>{};
  }
  [[nodiscard]] Result<std::vector<baseline::ImageFile>> all_files(Steady::time_point) const override {
    return std::vector<baseline::ImageFile>{};
  }

 private:
  const std::string id_ = std::string(64, 'a');
  const baseline::State state_;
};

class FakeCatalog final : public baseline::Catalog {
 public:
  Result<std::shared_ptr<baseline::Baseline>> open_image(baseline::Layers) override { return Error{0, "no"}; }
  [[nodiscard]] Result<std::shared_ptr<baseline::Baseline>> find_snapshot(int) override { return Error{ENOSYS, ""}; }
  Result<std::shared_ptr<baseline::Baseline>> open_snapshot(int) override { return Error{0, "no"}; }
  void name_image(const std::string&, const std::string&, const std::string&) override {}
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
    return Error{0, "no such image"};
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
  [[nodiscard]] Result<std::uint64_t> prune(std::int64_t before) override {
    pruned_before = before;
    return std::uint64_t{1};
  }
  [[nodiscard]] baseline::CatalogCounters counters() const override { return {}; }

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
  void apply_policies() override {}
};

std::shared_ptr<const policy::Policy> web_policy() {
  auto policy = std::make_shared<policy::Policy>();
  policy->name = "50-web.policy";
  policy->match.image = {"*/nginx:*"};
  policy->drift.mode = policy::Mode::prevent;
  policy::Rule rule;
  rule.name = "plugins";
  rule.paths = {"/opt/*"};
  rule.until = std::chrono::sys_seconds(1000s);
  policy->allows.push_back(rule);
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
    context.rule_uses = [](const policy::Policy& policy, const std::string& rule) -> std::uint64_t {
      return policy.name == "50-web.policy" && rule == "plugins" ? 42 : 0;
    };
    context.kernel_features = {{"fanotify", true, ""}, {"memfd_noexec", false, "memfd are judged after the fact"}};
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

  Answer ask(const std::string& command, json::object arguments = {}) {
    items.clear();
    auto client = Client::connect(directory / "control.sock");
    REQUIRE(std::holds_alternative<Client>(client));
    return std::get<Client>(client).call(
        command, std::move(arguments),
        [&](Message::Kind kind, const json::value& value) {
          if (kind == Message::Kind::item) items.push_back(value);
        },
        10s);
  }
  json::value result(const std::string& command, json::object arguments = {}) {
    auto answer = ask(command, std::move(arguments));
    if (auto* failure = std::get_if<Failure>(&answer)) FAIL(failure->message);
    return std::get<json::value>(answer);
  }
  Failure failure(const std::string& command, json::object arguments = {}) {
    auto answer = ask(command, std::move(arguments));
    REQUIRE(std::holds_alternative<Failure>(answer));
    return std::get<Failure>(answer);
  }

  TempDirectory directory;
  container::Registry registry;
  FakeDiscovery discovery;
  FakeCatalog catalog;
  gate::Counters counters;
  alert::Queue alerts{{}, {}};
  daemon::ServiceContext context{.registry = registry,
                                 .discovery = discovery,
                                 .catalog = catalog,
                                 .counters = counters,
                                 .alerts = alerts,
                                 .policies = {},
                                 .reload = {},
                                 .kernel_features = {},
                                 .started = Wall::now(),
                                 .settings = {},
                                 .rule_uses = {}};
  std::atomic<bool> reload_fails = false;
  std::vector<json::value> items;
  Server server{{.socket = directory / "control.sock"}};
};

}  // namespace

TEST_CASE("status counts containers by mode and names each exposure and each missing kernel feature") {
  Service service;
  auto status = service.result("status");
  CHECK(status.at("containers").at("prevent") == 1);
  CHECK(status.at("exposures").as_array().empty());
  CHECK(status.at("kernel_features").at(1).at("consequence").as_string() == "memfd are judged after the fact");
  CHECK(status.at("verdicts").at("made-executable").at("denied") == 0);

  service.add(4712, "late", baseline::State::complete)
      ->add_exposure({Wall::now() - 1h, Wall::now(), "it ran before the service\n"});
  service.add(4713, "broken", baseline::State::failed);
  status = service.result("status");
  REQUIRE(status.at("exposures").as_array().size() == 2);
  const auto text = json::serialize(status.at("exposures"));
  CHECK(text.find("it ran before the service\\\\x0a") != std::string::npos);
  CHECK(text.find("its layers are gone") != std::string::npos);
}

TEST_CASE("containers tells of each its policy, its baseline and whether it is mediated") {
  Service service;
  service.add(4713, "broken", baseline::State::failed);
  service.add(4714, "open", baseline::State::complete)
      ->add_exposure({Wall::now(), {}, "a mount that cannot be marked"});
  const auto answer = service.result("containers");
  const auto& list = answer.at("containers").as_array();
  REQUIRE(list.size() == 3);
  CHECK(list[0].at("name").as_string() == "web-1");
  CHECK(list[0].at("policy").as_string() == "50-web.policy");
  CHECK(list[0].at("mode").as_string() == "prevent");
  CHECK(list[0].at("mediated").as_bool());
  CHECK(list[1].at("baseline").at("state").as_string() == "failed");
  CHECK_FALSE(list[1].at("mediated").as_bool());
  CHECK_FALSE(list[2].at("mediated").as_bool());
  CHECK(list[2].at("exposures").at(0).as_object().if_contains("until") == nullptr);
}

TEST_CASE("policy show says how often an exception was used and that it has ended") {
  Service service;
  const auto answer = service.result("policy.show", {{"container", "web-1"}});
  const auto& rule = answer.at("policy").at("rules").at(0);
  CHECK(rule.at("used") == 42);
  CHECK(rule.at("expired").as_bool());
  CHECK(answer.at("policy").at("match").at("image").at(0).as_string() == "*/nginx:*");
  CHECK(answer.at("policy").at("verdicts").at("relocated").as_string() == "allow");
  CHECK(service.failure("policy.show", {{"container", "nobody"}}).status == Status::bad_input);
  CHECK(service.failure("policy.show").status == Status::bad_input);
  const auto list = service.result("policy.list");
  CHECK(list.at("policies").at(0).at("containers") == 1);
}

TEST_CASE("a reload that fails says why") {
  Service service;
  CHECK(service.result("policy.reload").at("policies") == 2);
  service.reload_fails = true;
  const auto failure = service.failure("policy.reload");
  CHECK(failure.status == Status::bad_input);
  CHECK(failure.message.find("50-web.policy:3") != std::string::npos);
}

TEST_CASE("verify tells what differs, and goes on past an image that cannot be read") {
  Service service;
  const auto all = service.result("baseline.verify");
  CHECK(all.at("images") == 1);
  CHECK(all.at("differences") == 1);
  CHECK(all.at("failures") == 1);
  CHECK(service.items.size() == 2);
  CHECK_FALSE(service.catalog.written);
  CHECK(service.failure("baseline.verify", {{"image", "gone"}}).message.find("layers are gone") != std::string::npos);
  CHECK(service.failure("baseline.verify", {{"image", "absent"}}).status == Status::bad_input);
}

TEST_CASE("rebuild takes an image, a container or all, and nothing else") {
  Service service;
  CHECK(service.result("baseline.rebuild", {{"target", "web-1"}}).at("images") == 1);
  CHECK(service.catalog.written);
  CHECK(service.result("baseline.rebuild", {{"target", "nginx:1.27"}}).at("differences") == 1);
  CHECK(service.result("baseline.rebuild", {{"all", true}}).at("failures") == 1);
  CHECK(service.failure("baseline.rebuild").status == Status::bad_input);
  CHECK(service.failure("baseline.rebuild", {{"target", "x"}, {"all", true}}).status == Status::bad_input);
  CHECK(service.failure("baseline.rebuild", {{"target", "absent"}}).message.find("nor is it a container") !=
        std::string::npos);
}

TEST_CASE("baselines are listed, shown and pruned") {
  Service service;
  const auto list = service.result("baseline.list");
  CHECK(list.at("baselines").at(0).at("names").at(1).as_string() == "evil\\x0a\\xff");
  CHECK(service.result("baseline.show", {{"image", "nginx:1.27"}}).at("files") == 7);
  REQUIRE(service.items.size() == 1);
  CHECK(service.items[0].at("path").as_string() == "/bin/\\xff");
  CHECK(service.items[0].at("mode").as_string() == "0755");
  CHECK(service.result("baseline.prune", {{"unused_seconds", 3600}}).at("removed") == 1);
  const auto ago = std::chrono::system_clock::to_time_t(Wall::now()) - service.catalog.pruned_before;
  CHECK(ago >= 3600);
  CHECK(ago < 3700);
  CHECK(service.failure("baseline.prune", {{"unused_seconds", -1}}).status == Status::bad_input);
}

TEST_CASE("metrics add up and end with EOF") {
  Service service;
  service.counters.denied[0] = 3;
  service.counters.latency.record(2us);
  service.counters.latency.record(100s);
  const std::string text(service.result("metrics").at("text").as_string());
  CHECK(text.ends_with("# EOF\n"));
  CHECK(text.find("holdfast_verdicts_total{reason=\"added\",verdict=\"deny\"} 3\n") != std::string::npos);
  CHECK(text.find("holdfast_containers{mode=\"prevent\"} 1\n") != std::string::npos);
  CHECK(text.find("le=\"1.024e-06\"} 0\n") != std::string::npos);
  CHECK(text.find("le=\"4.096e-06\"} 1\n") != std::string::npos);
  CHECK(text.find("le=\"+Inf\"} 2\n") != std::string::npos);
  CHECK(text.find("holdfast_gate_latency_seconds_count 2\n") != std::string::npos);
}

TEST_CASE("explain refuses what it cannot look at") {
  Service service;
  CHECK(service.failure("explain", {{"container", "nobody"}, {"path", "/x"}}).status == Status::bad_input);
  CHECK(service.failure("explain", {{"container", "web-1"}}).status == Status::bad_input);
  // The fake container's device exists nowhere.
  CHECK(service.failure("explain", {{"container", "web-1"}, {"path", "/x"}}).message.find("no process") !=
        std::string::npos);
}

TEST_CASE("arguments that a command does not take are refused") {
  Service service;
  for (const char* command : {"status", "containers", "metrics", "baseline.list", "policy.list", "policy.reload"}) {
    CHECK(service.failure(command, {{"bogus", 1}}).message.find("bogus") != std::string::npos);
  }
  CHECK(service.ask("ping").index() == 0);
}

TEST_CASE("a snapshot's root is found by the directory itself, not by the device that it shares with the host") {
  const TempDirectory directory;
  struct stat st {};
  REQUIRE(::stat(directory.path().c_str(), &st) == 0);
  const UniqueFd fd(::open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto key = container::root_key_of(fd.get());
  REQUIRE(key.ok());
  const container::Container there(st.st_dev, *key, container::RootKind::snapshot, nullptr, "", directory.path());
  const auto root = daemon::open_root(there);
  REQUIRE(root.ok());
  struct stat found {};
  REQUIRE(::fstat(root->directory.get(), &found) == 0);
  CHECK(found.st_ino == st.st_ino);

  auto other = *key;
  other.inode += 1;
  const container::Container gone(st.st_dev, other, container::RootKind::snapshot, nullptr, "", directory.path());
  CHECK_FALSE(daemon::open_root(gone).ok());
}
