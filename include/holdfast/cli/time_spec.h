#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"

namespace holdfast::cli {

/// "30s", "15m", "2h", "3d", "1w", or several: "1h30m".
[[nodiscard]] Result<std::chrono::seconds> parse_span(std::string_view text);

/// A moment in the past: RFC 3339, "YYYY-MM-DD" or "YYYY-MM-DD HH:MM[:SS]" in local time, a span before `now`,
/// "today", "yesterday", "now".
[[nodiscard]] Result<Wall::time_point> parse_since(std::string_view text, Wall::time_point now);

/// RFC 3339 with any offset and up to nanoseconds (cut to the clock's).
[[nodiscard]] Result<Wall::time_point> parse_rfc3339(std::string_view text);

/// "2026-11-22 20:14:13", local: for people.
[[nodiscard]] std::string local_time(Wall::time_point time);

}  // namespace holdfast::cli
