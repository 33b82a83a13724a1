#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "holdfast/policy/policy.h"
#include "holdfast/verdict/facts.h"

namespace holdfast::verdict {

/// Allow or deny, and what led there.
struct Decision {
  policy::Verdict verdict = policy::Verdict::allow;  ///< alert: runs, and is reported
  std::optional<policy::Reason> reason;              ///< nothing: image code
  std::string rule;  ///< the exception, prohibition or [Volume] section that fitted, or "Seal", if any

  [[nodiscard]] bool runs() const { return verdict != policy::Verdict::deny; }
};

/// Facts and policy to a decision. Pure: `now` only ends exceptions. Prohibitions come before exceptions, exceptions
/// and pins before reasons; for reason `volume` the first [Volume] section that fits, then `Volume=`, then the default
/// for the mount. Mode `off` allows all; mode `detect` never denies. A file whose writer cannot be excluded is never
/// excepted by content (Sha256=, Image=).
[[nodiscard]] Decision decide(const Facts& facts, const policy::Policy& policy, std::chrono::sys_seconds now);

}  // namespace holdfast::verdict
