#include "holdfast/gate/interpreter_order.h"

#include <doctest/doctest.h>

using namespace holdfast;
using gate::InterpreterOrder;
using namespace std::chrono_literals;

TEST_CASE("a loader runs once for each dynamic program of its process") {
  InterpreterOrder order;
  CHECK_FALSE(order.take(7));
  order.note(7);
  CHECK(order.expects(7));
  CHECK_FALSE(order.take(8));
  CHECK(order.take(7));
  CHECK_FALSE(order.take(7));
  order.note(7);
  order.note(7);
  CHECK(order.take(7));
  CHECK(order.take(7));
  CHECK_FALSE(order.expects(7));
}

TEST_CASE("what was never used up is forgotten") {
  InterpreterOrder order;
  const auto now = Steady::now();
  order.note(7, now);
  CHECK(order.expects(7, now + InterpreterOrder::kLifetime - 1s));
  CHECK(order.expects(7, now + InterpreterOrder::kLifetime + 1s));
  CHECK_FALSE(order.expects(7, now + 2 * InterpreterOrder::kLifetime + 2s));
  order.note(8, now + 100s);
  CHECK_FALSE(order.take(8, now + 1000s));
}

TEST_CASE("whoever leaves expectations on purpose drives out nobody who runs now") {
  InterpreterOrder order;
  const auto now = Steady::now();
  order.note(7, now);
  for (pid_t pid = 1000; pid < 1000 + static_cast<pid_t>(InterpreterOrder::kMost) - 1; ++pid) order.note(pid, now);
  CHECK(order.expects(7, now));
  for (pid_t pid = 10'000; pid < 10'000 + 2 * static_cast<pid_t>(InterpreterOrder::kMost); ++pid) order.note(pid, now);
  CHECK_FALSE(order.expects(7, now));
}
