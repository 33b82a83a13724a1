#include "holdfast/policy/override.h"

#include <doctest/doctest.h>

using namespace holdfast::policy;
using namespace std::chrono_literals;

namespace {

/// Begun at 1000, an hour into its boot, for ten minutes.
Override ten_minutes() {
  Override one;
  one.began = std::chrono::sys_seconds{1000s};
  one.until = one.began + 10min;
  one.boot = "this";
  one.boot_until = 1h + 10min;
  return one;
}

OverrideClock at(std::chrono::seconds wall, std::chrono::seconds since_boot, const char* boot = "this") {
  return {std::chrono::sys_seconds{wall}, boot, since_boot};
}

}  // namespace

TEST_CASE("an override ends when its time has passed") {
  CHECK(time_left(ten_minutes(), at(1000s, 1h)) == 10min);
  CHECK(time_left(ten_minutes(), at(1599s, 1h + 599s)) == 1s);
  CHECK(time_left(ten_minutes(), at(1600s, 1h + 600s)) <= 0s);
}

TEST_CASE("a clock that is set back does not prolong an override, one that is set forward ends it") {
  CHECK(time_left(ten_minutes(), at(0s, 1h + 10min)) <= 0s);
  CHECK(time_left(ten_minutes(), at(500s, 1h + 9min)) == 1min);
  CHECK(time_left(ten_minutes(), at(999999s, 1h + 1s)) <= 0s);
}

TEST_CASE("after a boot an override goes on to its end, but never for longer than it was asked for") {
  const auto later = resumed(ten_minutes(), at(1300s, 20s, "next"));
  CHECK(time_left(later, at(1300s, 20s, "next")) == 5min);
  CHECK(time_left(later, at(0s, 20s + 5min, "next")) <= 0s);
  // The clock was set back by years while the machine was off.
  const auto lost = resumed(ten_minutes(), at(-100000s, 20s, "next"));
  CHECK(time_left(lost, at(-100000s, 20s, "next")) == 10min);
  CHECK(time_left(resumed(ten_minutes(), at(1600s, 20s, "next")), at(1600s, 20s, "next")) <= 0s);
}

TEST_CASE("a restart of the service alone changes nothing") {
  const auto same = resumed(ten_minutes(), at(0s, 1h + 4min));
  CHECK(same.boot_until == ten_minutes().boot_until);
  CHECK(time_left(same, at(0s, 1h + 4min)) == 6min);
}

TEST_CASE("without the kernel's boot id the wall clock counts alone") {
  auto one = ten_minutes();
  one.boot.clear();
  CHECK(time_left(one, at(1300s, 99h, "")) == 5min);
  CHECK(resumed(one, at(1300s, 99h, "")).boot.empty());
}

TEST_CASE("what cannot be asked for says what would be right") {
  CHECK(check_override(15min, "ticket 4711").ok());
  CHECK(check_override(1s, "x").ok());
  CHECK(check_override(7 * 24h, "x").ok());
  for (const auto wrong : {std::chrono::seconds{0s}, std::chrono::seconds{-1s}, std::chrono::seconds{7 * 24h + 1s}}) {
    CHECK(check_override(wrong, "x").error().message.find("7 days") != std::string::npos);
  }
  CHECK(check_override(15min, " \t\n").error().message.find("reason") != std::string::npos);
  CHECK(check_override(15min, std::string(512, 'x')).ok());
  CHECK_FALSE(check_override(15min, std::string(513, 'x')).ok());
}

TEST_CASE("outside of prevent mode nothing is denied or killed, whatever the policy says") {
  Policy policy;
  policy.drift.mode = Mode::prevent;
  policy.drift.action = Drift::Action::kill;
  policy.drift.on_deadline = Verdict::deny;
  policy.drift.verdicts[static_cast<std::size_t>(Reason::volume)] = Verdict::deny;
  policy.drift.verdicts[static_cast<std::size_t>(Reason::relocated)] = Verdict::allow;
  policy.volumes.push_back({"data", {"/data"}, {}, {}, {}, Verdict::deny});
  auto& kept = policy.allows.emplace_back();
  kept.name = "kept";
  kept.paths = {"/x"};
  for (const Mode mode : {Mode::off, Mode::detect}) {
    const auto changed = with_mode(policy, mode);
    CHECK(changed.drift.mode == mode);
    CHECK(changed.drift.action == Drift::Action::none);
    CHECK_FALSE(changed.drift.on_deadline.has_value());
    CHECK(changed.volumes[0].verdict == Verdict::alert);
    CHECK(changed.allows.size() == 1);
    for (const Reason reason : kReasons) CHECK(changed.drift.verdict_for(reason) != Verdict::deny);
    CHECK(changed.drift.verdict_for(Reason::relocated) == Verdict::allow);
  }
  Policy lenient;
  CHECK(with_mode(lenient, Mode::prevent).drift.verdict_for(Reason::added) == Verdict::deny);
}
