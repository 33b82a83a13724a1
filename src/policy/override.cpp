#include "holdfast/policy/override.h"

#include <algorithm>

#include <fmt/format.h>

namespace holdfast::policy {

Result<void> check_override_reason(std::string_view reason) {
  if (reason.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Error{0, "an override needs a reason; --reason \"ticket 4711\" would be right"};
  }
  if (reason.size() <= kLongestOverrideReason) return {};
  return Error{
      0, fmt::format("the reason is {} bytes long; at most {} would be right", reason.size(), kLongestOverrideReason)};
}

Result<void> check_override(std::chrono::seconds duration, std::string_view reason) {
  if (duration < std::chrono::seconds{1} || duration > kLongestOverride) {
    return Error{0, "an override lasts from 1 second to 7 days; --for 15m would be right, and for longer a policy"};
  }
  return check_override_reason(reason);
}

std::chrono::seconds time_left(const Override& one, const OverrideClock& now) {
  const auto by_wall = one.until - now.wall;
  if (one.boot.empty() || one.boot != now.boot) return by_wall;
  return std::min(by_wall, one.boot_until - now.since_boot);
}

Override resumed(Override one, const OverrideClock& now) {
  if (now.boot.empty() || one.boot == now.boot) return one;
  one.boot_until = now.since_boot + std::min(one.until - now.wall, one.until - one.began);
  one.boot = now.boot;
  return one;
}

Policy with_mode(const Policy& policy, Mode mode) {
  Policy changed = policy;
  changed.drift.mode = mode;
  if (mode == Mode::prevent) return changed;
  changed.drift.action = Drift::Action::none;
  changed.drift.on_deadline.reset();
  for (auto& verdict : changed.drift.verdicts) {
    if (verdict == Verdict::deny) verdict = Verdict::alert;
  }
  for (VolumeRule& rule : changed.volumes) {
    if (rule.verdict == Verdict::deny) rule.verdict = Verdict::alert;
  }
  return changed;
}

}  // namespace holdfast::policy
