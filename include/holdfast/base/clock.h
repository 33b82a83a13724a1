#pragma once

#include <chrono>
#include <string>

namespace holdfast {

/// For deadlines and durations: never steps.
using Steady = std::chrono::steady_clock;
/// For what people and the journal read.
using Wall = std::chrono::system_clock;

/// RFC 3339, UTC, microseconds: 2026-11-22T20:14:13.000123Z.
[[nodiscard]] std::string rfc3339(Wall::time_point t);

}  // namespace holdfast
