#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace holdfast::policy {

/// The closed list of drift reasons (design.md).
enum class Reason {
  added,
  modified,
  made_executable,
  relocated,
  volume,
  fileless,
  loader,
  library,
  prohibited,
  unmediated,
};

inline constexpr std::array kReasons = {
    Reason::added,    Reason::modified, Reason::made_executable, Reason::relocated,  Reason::volume,
    Reason::fileless, Reason::loader,   Reason::library,         Reason::prohibited, Reason::unmediated};

/// "made-executable": as alerts and metrics spell it.
[[nodiscard]] std::string_view to_string(Reason reason);
[[nodiscard]] std::optional<Reason> parse_reason(std::string_view text);

}  // namespace holdfast::policy
