#include "holdfast/container/overrides.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "fakes.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace std::chrono_literals;

namespace {

const RootKey kRoot{2049, 77, 123456789};

policy::Override override_of(policy::Mode mode, const std::string& id = "abc123", const RootKey& root = kRoot) {
  policy::Override one;
  one.target = {root.device, root.inode, root.birth, id};
  one.name = "web-1";
  one.mode = mode;
  one.reason = "ticket";
  one.began = std::chrono::sys_seconds{1000s};
  one.until = one.began + 10min;
  one.boot = "boot";
  one.boot_until = 600s;
  return one;
}

policy::OverrideClock at(std::chrono::seconds passed) {
  return {std::chrono::sys_seconds{1000s} + passed, "boot", passed};
}

std::shared_ptr<Container> container_with(const std::string& id, const RootKey& root = kRoot) {
  auto made = std::make_shared<Container>(1, root, RootKind::overlay, nullptr, "/upper", "/merged");
  if (id.empty()) return made;
  Names names;
  names.id = id;
  made->set_names(std::move(names));
  return made;
}

}  // namespace

TEST_SUITE("overrides") {
  TEST_CASE("an override is found by root and id together, never by one of them") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    REQUIRE(overrides.begin(override_of(policy::Mode::off)).ok());
    CHECK(overrides.find(*container_with("abc123")) != nullptr);
    CHECK(overrides.find(*container_with("other")) == nullptr);
    CHECK(overrides.find(*container_with("abc123", {2049, 77, 1})) == nullptr);
    CHECK(overrides.find(*container_with("abc123", {2049, 78, 123456789})) == nullptr);
  }

  TEST_CASE("a file system whose device has another number since the last boot still holds the container's root") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    REQUIRE(overrides.begin(override_of(policy::Mode::prevent)).ok());
    const RootKey renumbered{2050, kRoot.inode, kRoot.birth};
    CHECK(overrides.find(*container_with("abc123", renumbered)) != nullptr);
    CHECK(overrides.find(*container_with("other", renumbered)) == nullptr);
    CHECK(overrides.find(*container_with("", renumbered)) == nullptr);
    REQUIRE(overrides.begin(override_of(policy::Mode::prevent, "abc123", {2049, 78, 0})).ok());
    CHECK(overrides.find(*container_with("abc123", {2050, 78, 0})) == nullptr);
  }

  TEST_CASE("a container whose id is not known yet gets a stricter mode, but no milder one") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    REQUIRE(overrides.begin(override_of(policy::Mode::off)).ok());
    CHECK(overrides.find(*container_with("")) == nullptr);
    REQUIRE(overrides.begin(override_of(policy::Mode::prevent)).ok());
    CHECK(overrides.find(*container_with("")) != nullptr);
    CHECK(overrides.find(*container_with("", {2049, 78, 123456789})) == nullptr);
  }

  TEST_CASE("where an id is never known, the root alone tells which container it is") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    REQUIRE(overrides.begin(override_of(policy::Mode::off)).ok());
    const auto nameless = container_with("");
    nameless->set_names({});
    CHECK(overrides.find(*nameless) != nullptr);
    REQUIRE(overrides.begin(override_of(policy::Mode::off, "", {1, 2, 3})).ok());
    CHECK(overrides.find(*container_with("known", {1, 2, 3})) != nullptr);
    CHECK(overrides.find(*container_with("", {1, 2, 3})) == nullptr);  // it may still be named
  }

  TEST_CASE("a second override replaces the first") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    CHECK(overrides.begin(override_of(policy::Mode::off)).value() == nullptr);
    const auto replaced = overrides.begin(override_of(policy::Mode::detect)).value();
    REQUIRE(replaced != nullptr);
    CHECK(replaced->mode == policy::Mode::off);
    CHECK(overrides.all().size() == 1);
    CHECK(catalog.kept_overrides.size() == 1);
    CHECK(overrides.find(*container_with("abc123"))->mode == policy::Mode::detect);
  }

  TEST_CASE("what cannot be kept for the next service does not begin") {
    fakes::Catalog catalog;
    catalog.refuses_overrides = true;
    Overrides overrides(catalog);
    CHECK(overrides.begin(override_of(policy::Mode::off)).error().code == ENOSPC);
    CHECK(overrides.all().empty());
  }

  TEST_CASE("the next service takes over what was left, and each ends once, in time") {
    fakes::Catalog catalog;
    {
      Overrides overrides(catalog);
      REQUIRE(overrides.begin(override_of(policy::Mode::off)).ok());
      REQUIRE(overrides.begin(override_of(policy::Mode::off, "second", {1, 2, 3})).ok());
    }
    Overrides overrides(catalog);
    REQUIRE(overrides.resume(at(60s)).ok());
    CHECK(overrides.all().size() == 2);
    CHECK(overrides.take_ended(at(599s)).empty());
    CHECK(overrides.take_ended(at(600s)).size() == 2);
    CHECK(overrides.take_ended(at(601s)).empty());
    CHECK(overrides.find(*container_with("abc123")) == nullptr);
    CHECK(catalog.kept_overrides.empty());
  }

  TEST_CASE("the end counts at once, and reaches a database that could not be written then later") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    REQUIRE(overrides.begin(override_of(policy::Mode::off)).ok());
    catalog.refuses_overrides = true;
    overrides.end(override_of(policy::Mode::off));
    CHECK(overrides.find(*container_with("abc123")) == nullptr);
    CHECK(catalog.kept_overrides.size() == 1);
    catalog.refuses_overrides = false;
    CHECK(overrides.take_ended(at(1s)).empty());
    CHECK(catalog.kept_overrides.empty());
  }

  TEST_CASE("one that begins again is not forgotten for the one before it") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    REQUIRE(overrides.begin(override_of(policy::Mode::off)).ok());
    catalog.refuses_overrides = true;
    overrides.end(override_of(policy::Mode::off));
    catalog.refuses_overrides = false;
    REQUIRE(overrides.begin(override_of(policy::Mode::detect)).ok());
    CHECK(overrides.take_ended(at(1s)).empty());
    CHECK(catalog.kept_overrides.size() == 1);
  }

  TEST_CASE("a container that does not run now is found by id, a unique start of it, or name") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    REQUIRE(overrides.begin(override_of(policy::Mode::off)).ok());
    REQUIRE(overrides.begin(override_of(policy::Mode::off, "abd999", {1, 2, 3})).ok());
    CHECK(overrides.resolve("abc").ok());
    CHECK(overrides.resolve("ab").error().code == ENOTUNIQ);
    CHECK(overrides.resolve("web-1").error().code == ENOTUNIQ);
    CHECK(overrides.resolve("").error().code == ENOENT);
    CHECK(overrides.resolve("nobody").error().code == ENOENT);
  }

  TEST_CASE("there is an end to how many there are at a time") {
    fakes::Catalog catalog;
    Overrides overrides(catalog);
    for (std::size_t i = 0; i < Overrides::kMost; ++i) {
      REQUIRE(overrides.begin(override_of(policy::Mode::off, std::to_string(i))).ok());
    }
    CHECK_FALSE(overrides.begin(override_of(policy::Mode::off, "one more")).ok());
    CHECK(overrides.all().size() == Overrides::kMost);
  }

  TEST_CASE("an override changes a container's mode, and its end gives the policy's back") {
    auto own = std::make_shared<policy::Policy>();
    own->name = "50-web.policy";
    own->drift.mode = policy::Mode::prevent;
    auto& nc = own->denies.emplace_back();
    nc.name = "nc";
    nc.paths = {"/usr/bin/nc"};
    const auto container = container_with("abc123");
    container->set_policy(own);
    CHECK(container->policy() == own);
    const auto off = std::make_shared<const policy::Override>(override_of(policy::Mode::off));
    container->set_policy(own, off);
    CHECK(container->mode() == policy::Mode::off);
    CHECK(container->policy()->name == "50-web.policy");
    CHECK(container->own_policy() == own);
    CHECK(container->overriding() == off);
    const auto effective = container->policy();
    // The same again, for a longer time: nothing has to be found out anew.
    container->set_policy(own, std::make_shared<const policy::Override>(override_of(policy::Mode::off)));
    CHECK(container->policy() == effective);
    container->set_policy(own);
    CHECK(container->mode() == policy::Mode::prevent);
    CHECK(container->policy() == own);
    CHECK(container->overriding() == nullptr);
    CHECK_FALSE(container->prohibitions_ready());
  }
}
