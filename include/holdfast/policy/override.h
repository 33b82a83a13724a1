#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

namespace holdfast::policy {

/// A container's mode set apart from its policy for a limited time.
struct Override {
  /// The container, wherever and whenever it is seen again: its root (container::RootKey) and its id.
  struct Target {
    std::uint64_t device = 0, inode = 0;
    std::int64_t birth = 0;  ///< nanoseconds since the epoch; 0: not known
    std::string id;          ///< empty: was not known
    friend bool operator==(const Target&, const Target&) = default;
  } target;
  std::string name, image;  ///< the container's when it was asked for: for people
  Mode mode = Mode::detect;
  std::string reason;
  std::chrono::sys_seconds began, until;
  std::string boot;                    ///< the kernel's id of the boot that `boot_until` counts in
  std::chrono::seconds boot_until{0};  ///< its end by CLOCK_BOOTTIME, which nobody can set
  std::uint32_t uid = 0;               ///< who asked
  std::int32_t pid = 0;
  std::optional<std::uint32_t> login_uid;  ///< as whom they had logged in
};

inline constexpr std::chrono::seconds kLongestOverride = std::chrono::days{7};
inline constexpr std::size_t kLongestOverrideReason = 512;  // bytes

/// Whether somebody may ask for that, else what is wrong and what would be right.
[[nodiscard]] Result<void> check_override(std::chrono::seconds duration, std::string_view reason);
[[nodiscard]] Result<void> check_override_reason(std::string_view reason);

/// The present by both clocks.
struct OverrideClock {
  std::chrono::sys_seconds wall;
  std::string boot;  ///< empty: not known
  std::chrono::seconds since_boot{0};
};

/// Until it ends; zero or less: it has. By the clock that comes first: one that is set back prolongs nothing, and one
/// that is set forward past the end ends it.
[[nodiscard]] std::chrono::seconds time_left(const Override& one, const OverrideClock& now);

/// What a service that starts goes on with: after a boot the rest is counted by the new one's clock, and is never more
/// than what was asked for.
[[nodiscard]] Override resumed(Override one, const OverrideClock& now);

/// The policy as it is in another mode: outside of prevent mode nothing is denied or killed, whatever it says.
[[nodiscard]] Policy with_mode(const Policy& policy, Mode mode);

}  // namespace holdfast::policy
