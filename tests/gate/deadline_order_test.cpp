#include "holdfast/gate/deadline_order.h"

#include <chrono>
#include <memory>

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

const Steady::time_point kArrival{1h};

std::shared_ptr<gate::Pending> waits_until(Steady::time_point deadline) {
  auto pending = std::make_shared<gate::Pending>();
  pending->deadline = deadline;
  return pending;
}

}  // namespace

TEST_CASE("who waits is due when its deadline has come, and not before") {
  gate::DeadlineOrder order;
  CHECK_FALSE(order.next());
  const auto late = waits_until(kArrival + 2s);
  const auto early = waits_until(kArrival + 1s);
  order.put(late);
  order.put(early);  // the deadline has been made shorter meanwhile
  CHECK(order.next() == kArrival + 1s);
  CHECK(order.take_due(kArrival) == nullptr);
  CHECK(order.take_due(kArrival + 1s) == early);
  CHECK(order.take_due(kArrival + 1s) == nullptr);
  CHECK(order.take_due(kArrival + 3s) == late);
  CHECK_FALSE(order.next());
}

TEST_CASE("who is answered, or gone, is waited for no more") {
  gate::DeadlineOrder order;
  const auto answered = waits_until(kArrival + 1s);
  auto gone = waits_until(kArrival + 2s);
  const auto waiting = waits_until(kArrival + 3s);
  for (const auto& pending : {answered, gone, waiting}) order.put(pending);
  CHECK(answered->claim());
  const std::weak_ptr<gate::Pending> seen = gone;
  gone.reset();
  CHECK(seen.expired());           // the order owns nobody
  CHECK(order.all().size() == 2);  // the answered one's number is not free yet
  CHECK(order.next() == kArrival + 3s);
  CHECK(order.take_due(kArrival + 4s) == waiting);
}
