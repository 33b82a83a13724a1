// The service's commands over a real socket, with a real registry and a catalog that says what the test tells it to.

#include "holdfast/daemon/commands.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "holdfast/control/client.h"

#include "../../src/daemon/commands/open_in_container.h"
#include "../control/temp_directory.h"
#include "fake_service.h"

using namespace holdfast;
using namespace holdfast::control;
using daemon::fakes::Service;
using namespace std::chrono_literals;
namespace json = boost::json;

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

TEST_CASE("a container that cannot be protected is shown as such by status and containers") {
  Service service;
  service.unprotected.add({"id\n", "no layers", 0, 0, 0, Wall::now()});
  CHECK(service.result("status").at("containers").at("unprotected") == 0);
  // This very process stands for the container's, in a mount namespace of its own.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 || ::chroot("/usr") != 0) ::_exit(1);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  if (WIFSTOPPED(status)) {
    struct stat root {};
    REQUIRE(::stat("/usr", &root) == 0);
    service.unprotected.add({"id\n", "no layers", root.st_dev, root.st_ino, 0, Wall::now()});
    REQUIRE(service.unprotected.refresh().size() == 1);
    const auto answer = service.result("containers");
    const auto& last = answer.at("containers").as_array().back();
    CHECK(last.at("id").as_string() == "id\\x0a");
    CHECK_FALSE(last.at("mediated").as_bool());
    CHECK(last.at("exposures").at(0).at("why").as_string() == "no layers");
    const auto whole = service.result("status");
    CHECK(whole.at("containers").at("unprotected") == 1);
    CHECK(whole.at("exposures").at(0).at("container").at("id").as_string() == "id\\x0a");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  } else {
    MESSAGE("SKIPPED: needs root");
  }
}

TEST_CASE("policy show names the policy that a container misses because its labels cannot be read") {
  Service service;
  const auto container = service.add(4712, "old-1", baseline::State::complete);
  container::Names names = *container->names();
  names.labels_unknown = true;
  container->set_names(names);
  policy::Policy front = *daemon::fakes::web_policy();
  front.name = "40-front.policy";
  front.match.labels = {{"tier", "front"}};
  service.context.policies = [front] {
    return std::make_shared<const policy::PolicySet>(std::vector<policy::Policy>{front, *daemon::fakes::web_policy()},
                                                     policy::Drift());
  };
  const auto answer = service.result("policy.show", {{"container", "old-1"}});
  CHECK_FALSE(answer.at("labels_known").as_bool());
  CHECK(answer.at("missed_for_labels").as_string() == "40-front.policy");
}

TEST_CASE("policy show says how often an exception was used and that it has ended") {
  Service service;
  const auto answer = service.result("policy.show", {{"container", "web-1"}});
  const auto& rule = answer.at("policy").at("rules").at(0);
  CHECK(rule.at("used") == 42);
  CHECK(rule.at("expired").as_bool());
  CHECK(answer.at("policy").at("match").at("image").at(0).as_string() == "*/nginx:*");
  const auto& verdicts = answer.at("policy").at("verdicts").as_object();
  CHECK(verdicts.at("relocated").as_string() == "allow");
  CHECK(verdicts.at("volume").as_string() == "alert");
  CHECK(verdicts.at("volume-read-only").as_string() == "allow");
  CHECK_FALSE(verdicts.contains("unmediated"));  // it has no verdict of its own
  CHECK(answer.at("policy").at("action").as_string() == "kill");
  CHECK_FALSE(rule.as_object().contains("unused_since"));
  const auto& unused = answer.at("policy").at("rules").at(1).as_object();
  CHECK(unused.at("used") == 0);
  CHECK(unused.at("unused_since").as_string() == "1970-01-01T01:00:00.000000Z");
  CHECK(unused.at("parents").at(0).as_string() == "/usr/bin/updater");
  CHECK(unused.at("images").at(0).as_string() == "*/tools:*");
  const auto& volume = answer.at("policy").at("rules").at(2).as_object();
  CHECK(volume.at("kind").as_string() == "volume");
  CHECK(volume.at("name").as_string() == "data");
  CHECK(volume.at("paths").at(0).as_string() == "/data");
  CHECK_FALSE(volume.at("read_only").as_bool());
  CHECK(volume.at("verdict").as_string() == "deny");
  CHECK(volume.at("used") == 0);
  CHECK(answer.at("labels_known").as_bool());
  CHECK(answer.at("missed_for_labels").is_null());
  CHECK(service.failure("policy.show", {{"container", "nobody"}}).status == Status::bad_input);
  CHECK(service.failure("policy.show").status == Status::bad_input);
  const auto list = service.result("policy.list");
  CHECK(list.at("policies").at(0).at("containers") == 1);
  CHECK(list.at("policies").at(0).at("unused") == json::array{"updater"});
  CHECK(list.at("policies").at(0).at("expired") == json::array{"plugins"});
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
  for (int i = 0; i < 3; ++i) service.counters.denied.count(policy::kReasons[0], policy::Mode::prevent);
  service.counters.latency.record(2us);
  service.counters.latency.record(100s);
  const std::string text(service.result("metrics").at("text").as_string());
  CHECK(text.ends_with("# EOF\n"));
  CHECK(text.find("holdfast_verdicts_total{reason=\"added\",mode=\"prevent\",verdict=\"deny\"} 3\n") !=
        std::string::npos);
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
