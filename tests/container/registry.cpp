#include "holdfast/container/registry.h"

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "holdfast/kernel/proc.h"

#include "fakes.h"

using namespace holdfast;
using namespace holdfast::container;

namespace {

std::shared_ptr<Container> registered(dev_t device, const std::string& id = {}, const std::string& name = {}) {
  auto container = std::make_shared<Container>(device, RootKey{device, 1, 2}, RootKind::overlay,
                                               std::make_shared<fakes::Baseline>("image", baseline::Kind::layers),
                                               "/upper", "/merged");
  if (!id.empty()) {
    Names names;
    names.id = id;
    names.name = name;
    container->set_names(names);
  }
  return container;
}

std::shared_ptr<policy::Policy> policy_of(policy::Mode mode) {
  auto policy = std::make_shared<policy::Policy>();
  policy->drift.mode = mode;
  return policy;
}

}  // namespace

TEST_SUITE("registry") {
  TEST_CASE("a table that was taken stays as it was, and the generation tells that there is a newer one") {
    Registry registry;
    const auto before = registry.table();
    const auto generation = registry.generation();
    const auto one = registered(7);
    registry.put(one);
    CHECK(before->empty());
    CHECK(registry.generation() != generation);
    CHECK(registry.find(7) == one);
    CHECK(registry.find(8) == nullptr);
  }

  TEST_CASE("removing a container leaves its device's next one alone") {
    Registry registry;
    const auto old = registered(7);
    const auto next = registered(7);
    registry.put(old);
    registry.put(next);
    registry.remove(old);
    CHECK(registry.find(7) == next);
    registry.remove(next);
    CHECK(registry.find(7) == nullptr);
  }

  TEST_CASE("containers are found by id, unique id prefix or name") {
    Registry registry;
    const auto a = registered(1, "abc1", "web");
    const auto b = registered(2, "abd2", "db");
    const auto named_like_a_prefix = registered(3, "ffff", "ab");
    registry.put(a);
    registry.put(b);
    registry.put(named_like_a_prefix);
    CHECK(registry.resolve("abc1").value() == a);
    CHECK(registry.resolve("abc").value() == a);
    CHECK(registry.resolve("db").value() == b);
    CHECK(registry.resolve("ab").value() == named_like_a_prefix);
    CHECK(registry.resolve("f").value() == named_like_a_prefix);
    CHECK(registry.resolve("a").error().code == ENOTUNIQ);
    CHECK(registry.resolve("zz").error().code == ENOENT);
    CHECK_FALSE(registry.resolve("").ok());
  }

  TEST_CASE("two containers of one name are not guessed between") {
    Registry registry;
    registry.put(registered(1, "aa", "web"));
    registry.put(registered(2, "bb", "web"));
    CHECK(registry.resolve("web").error().code == ENOTUNIQ);
    CHECK(registry.resolve("aa").ok());
  }

  TEST_CASE("a snapshot is found by the root of a process, and never by the device that it shares with the host") {
    Registry registry;
    const auto self = kernel::open_proc(::getpid());
    REQUIRE(self.ok());
    CHECK(registry.find_snapshot_of(self->get()) == nullptr);
    const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto key = root_key_of(root.get());
    REQUIRE(key.ok());
    const auto snapshot =
        std::make_shared<Container>(key->device, *key, RootKind::snapshot,
                                    std::make_shared<fakes::Baseline>("s", baseline::Kind::snapshot), "", "/");
    registry.put_snapshot(snapshot);
    CHECK(registry.find(key->device) == nullptr);
    CHECK(registry.find_snapshot_of(self->get()) == snapshot);
    CHECK(registry.all().size() == 1);
    registry.remove(snapshot);
    CHECK(registry.find_snapshot_of(self->get()) == nullptr);
    CHECK(registry.all().empty());
  }
}

TEST_SUITE("container") {
  TEST_CASE("its mode follows its policy, and it is provisional until named") {
    const auto container = registered(1);
    CHECK(container->provisional());
    container->set_policy(policy_of(policy::Mode::prevent));
    CHECK(container->mode() == policy::Mode::prevent);
    Names names;
    names.id = "x";
    names.image = "nginx:1";
    names.name_space = "prod";
    container->set_names(names);
    CHECK_FALSE(container->provisional());
    CHECK(container->names()->subject().image == "nginx:1");
    CHECK(container->names()->subject().name_space == "prod");
  }

  TEST_CASE("no file passes the fast path between a policy that prohibits and its table") {
    const auto container = registered(1);
    container->set_policy(policy_of(policy::Mode::prevent));
    CHECK(container->prohibitions_ready());
    CHECK_FALSE(container->has_prohibitions());
    auto denying = policy_of(policy::Mode::prevent);
    auto& netcat = denying->denies.emplace_back();
    netcat.name = "netcat";
    netcat.paths = {"/usr/bin/nc"};
    container->set_policy(denying);
    CHECK(container->has_prohibitions());
    CHECK_FALSE(container->prohibitions_ready());
    const Identity nc{42, 1, 2, 3};
    const auto other = policy_of(policy::Mode::detect);
    container->set_prohibited(std::make_shared<ProhibitedTable>(std::vector<Identity>{}), other.get());
    CHECK_FALSE(container->prohibitions_ready());
    container->set_prohibited(std::make_shared<ProhibitedTable>(std::vector{Identity{9, 9, 9, 9}, nc}), denying.get());
    REQUIRE(container->prohibitions_ready());
    CHECK(container->prohibited()->contains(nc));
    CHECK_FALSE(container->prohibited()->contains({42, 1, 2, 4}));
    container->set_policy(policy_of(policy::Mode::prevent));
    CHECK(container->prohibited() == nullptr);
    CHECK_FALSE(container->has_prohibitions());
  }

  TEST_CASE("the same policy again loses no table") {
    const auto container = registered(1);
    auto denying = policy_of(policy::Mode::prevent);
    auto& netcat = denying->denies.emplace_back();
    netcat.name = "netcat";
    netcat.paths = {"/usr/bin/nc"};
    container->set_policy(denying);
    container->set_prohibited(std::make_shared<ProhibitedTable>(std::vector<Identity>{}), denying.get());
    container->set_policy(denying);
    CHECK(container->prohibitions_ready());
  }

  TEST_CASE("exposures are kept in order") {
    const auto container = registered(1);
    CHECK(container->exposures().empty());
    container->add_exposure({{}, {}, "first"});
    container->add_exposure({{}, {}, "second"});
    REQUIRE(container->exposures().size() == 2);
    CHECK(container->exposures()[1].why == "second");
  }
}
