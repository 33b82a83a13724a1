// Overrides of a container's mode: what the commands say of them, and what begins and ends when.

#include <unistd.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "fake_service.h"

using namespace holdfast;
using namespace holdfast::control;
using namespace std::chrono_literals;
using daemon::fakes::Service;
namespace json = boost::json;

TEST_CASE("a mode is overridden at once, told with who asked, shown everywhere, and ends early on request") {
  Service service;
  const auto container = service.registry.all().front();
  const auto set =
      service.result("mode.set", {{"container", "web-1"}, {"mode", "off"}, {"seconds", 900}, {"reason", "4711\\x0a"}});
  CHECK(container->mode() == policy::Mode::off);
  CHECK(set.at("policy_mode").as_string() == "prevent");
  CHECK(set.at("override").at("seconds_left").to_number<int>() > 890);
  REQUIRE(service.told.size() == 1);
  const auto& began = service.told.front();
  CHECK(began.kind == alert::Kind::override_);
  CHECK(began.reason == "began");
  CHECK(began.mode == "off");
  CHECK(began.policy == "50-web.policy");
  CHECK(began.container->name == "web-1");
  REQUIRE(began.process.has_value());
  CHECK(began.process->pid == ::getpid());
  CHECK(began.message.find("set to off instead of prevent") != std::string::npos);
  CHECK(began.message.find(fmt::format("by uid {} (pid {}", ::geteuid(), ::getpid())) != std::string::npos);

  CHECK(service.result("containers").at("containers").at(0).at("mode").as_string() == "off");
  CHECK(service.result("containers").at("containers").at(0).at("policy_mode").as_string() == "prevent");
  const auto status = service.result("status");
  REQUIRE(status.at("overrides").as_array().size() == 1);
  CHECK(status.at("overrides").at(0).at("reason").as_string() == "4711\\x0a");
  CHECK(status.at("containers").at("off") == 1);
  const auto shown = service.result("policy.show", {{"container", "web-1"}});
  CHECK(shown.at("policy").at("mode").as_string() == "off");
  CHECK(shown.at("policy_mode").as_string() == "prevent");
  CHECK(shown.at("override").at("mode").as_string() == "off");
  const std::string metrics(service.result("metrics").at("text").as_string());
  CHECK(metrics.find("holdfast_overrides{mode=\"off\"} 1\n") != std::string::npos);

  service.result("mode.set", {{"container", "web-1"}, {"mode", "detect"}, {"seconds", 60}, {"reason", "again"}});
  CHECK(service.told.back().reason == "replaced");
  CHECK(service.told.back().message.find("instead of off, which an override") != std::string::npos);
  service.result("mode.end", {{"container", "web-1"}, {"reason", "done"}});
  CHECK(container->mode() == policy::Mode::prevent);
  CHECK(service.told.back().reason == "ended");
  CHECK(service.told.back().message.ends_with(": done"));
  CHECK(service.catalog.kept_overrides.empty());
  CHECK(service.failure("mode.end", {{"container", "web-1"}}).status == Status::bad_input);
}

TEST_CASE("an override from before the container's id was known is replaced, not kept beside the new one") {
  Service service;
  const auto container = service.registry.all().front();
  policy::Override early;
  early.target = {container->key().device, container->key().inode, container->key().birth, ""};
  early.mode = policy::Mode::off;
  early.until = service.clock.wall + 1h;
  REQUIRE(service.overrides.begin(early).ok());
  service.result("mode.set", {{"container", "web-1"}, {"mode", "detect"}, {"seconds", 60}, {"reason", "x"}});
  CHECK(service.overrides.all().size() == 1);
  CHECK(container->mode() == policy::Mode::detect);
  CHECK(service.told.back().reason == "replaced");
  CHECK(service.catalog.kept_overrides.size() == 1);
}

TEST_CASE("an override ends by itself, whatever the container does meanwhile") {
  Service service;
  const auto container = service.registry.all().front();
  const json::object wish{{"container", "web-1"}, {"mode", "off"}, {"seconds", 60}, {"reason", "x"}};
  service.result("mode.set", wish);
  service.clock.wall += 59s;
  service.overriding.review();
  CHECK(container->mode() == policy::Mode::off);
  service.clock.wall += 1s;
  service.overriding.review();
  CHECK(container->mode() == policy::Mode::prevent);
  CHECK(service.told.back().reason == "expired");
  CHECK_FALSE(service.told.back().process.has_value());
  const auto told = service.told.size();
  service.overriding.review();
  CHECK(service.told.size() == told);

  service.result("mode.set", wish);
  service.registry.remove(container);
  service.clock.wall += 60s;
  service.overriding.review();
  CHECK(service.told.back().message.find("not overridden any more") != std::string::npos);
  CHECK(service.told.back().container->name == "web-1");
  // As if it was being admitted while its override ended: it is given its policy's mode all the same.
  service.registry.put(container);
  REQUIRE(container->mode() == policy::Mode::off);
  service.overriding.review();
  CHECK(container->mode() == policy::Mode::prevent);
}

TEST_CASE("the override of a container that does not run is ended by what the container was called") {
  Service service;
  service.result("mode.set", {{"container", "web-1"}, {"mode", "off"}, {"seconds", 60}, {"reason", "x"}});
  service.registry.remove(service.registry.all().front());
  CHECK(service.result("mode.end", {{"container", "web-1"}}).at("override").at("mode").as_string() == "off");
  CHECK(service.overrides.all().empty());
}

TEST_CASE("a wrong override is refused with a sentence, and one that cannot be kept is no user's mistake") {
  Service service;
  const json::object fine{{"container", "web-1"}, {"mode", "off"}, {"seconds", 60}, {"reason", "x"}};
  const auto with = [&](const char* key, json::value value) {
    auto changed = fine;
    changed[key] = std::move(value);
    return service.failure("mode.set", std::move(changed));
  };
  for (const Failure& failure :
       {with("container", "nobody"), with("mode", "sometimes"), with("seconds", 0), with("seconds", 604801),
        with("reason", " "), with("reason", json::string(513, 'x')), with("bogus", 1)}) {
    CHECK(failure.status == Status::bad_input);
    CHECK(failure.message.size() > 20);
  }
  service.catalog.refuses_overrides = true;
  CHECK(service.failure("mode.set", fine).status == Status::unreachable);
  CHECK(service.registry.all().front()->mode() == policy::Mode::prevent);
  CHECK(service.told.empty());
}
