#include "../../src/alert/advice.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "holdfast/alert/format.h"
#include "holdfast/policy/reason.h"

using namespace holdfast;
using namespace holdfast::alert;

TEST_CASE("every drift reason has advice of its own") {
  std::set<std::string_view> texts;
  for (const policy::Reason reason : policy::kReasons) {
    const Advice* const advice = advice_for(Kind::drift, to_string(reason));
    REQUIRE_MESSAGE(advice != nullptr, to_string(reason));
    for (const auto text : {advice->meaning, advice->check, advice->action}) {
      CHECK_MESSAGE(!text.empty(), to_string(reason));
      CHECK_MESSAGE(texts.insert(text).second, text);
    }
  }
}

TEST_CASE("advice belongs to a kind, and unknown reasons have none") {
  CHECK(advice_for(Kind::service, "alerts-lost") != nullptr);
  CHECK(advice_for(Kind::drift, "alerts-lost") == nullptr);
  CHECK(advice_for(Kind::drift, "") == nullptr);
  Alert alert;
  alert.reason = "no such reason";
  CHECK(to_json(alert).find("advice") == std::string::npos);
}
