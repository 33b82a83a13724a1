#include "holdfast/gate/held_reports.h"

#include <doctest/doctest.h>

using namespace holdfast;
using gate::HeldReports;

namespace {

std::shared_ptr<container::Container> a_container() {
  return std::make_shared<container::Container>(1, container::RootKey{}, container::RootKind::snapshot, nullptr, "",
                                                "/");
}

HeldReports::Held held_of(const std::shared_ptr<container::Container>& container, pid_t pid) {
  return {{}, {}, pid, 0, 0, container, {}};
}

}  // namespace

TEST_SUITE("held reports") {
  TEST_CASE("they leave in the order in which they came") {
    HeldReports held;
    const auto container = a_container();
    CHECK(held.first() == nullptr);
    for (const pid_t pid : {1, 2, 3}) CHECK_FALSE(held.put(held_of(container, pid)));
    CHECK(held.first()->pid == 1);
    CHECK(held.take_first().pid == 1);
    CHECK(held.take_first().pid == 2);
    CHECK(held.take_first().pid == 3);
    CHECK(held.first() == nullptr);
  }

  TEST_CASE("a storm makes room for itself: what is another container's stays, however old it is") {
    HeldReports held;
    const auto quiet = a_container();
    const auto noisy = a_container();
    CHECK_FALSE(held.put(held_of(quiet, 1)));
    pid_t pid = 2;
    for (; pid <= static_cast<pid_t>(HeldReports::kMost); ++pid) CHECK_FALSE(held.put(held_of(noisy, pid)));
    for (pid_t oldest = 2; oldest < 2000; ++oldest, ++pid) {
      const auto pressed = held.put(held_of(noisy, pid));
      REQUIRE(pressed);
      CHECK(pressed->pid == oldest);
    }
    CHECK(held.take_first().pid == 1);
  }
}
