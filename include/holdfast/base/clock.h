#pragma once

#include <chrono>
#include <string>

namespace holdfast {

/// For deadlines and durations: never steps.
using Steady = std::chrono::steady_clock;
/// For what people and the journal read.
using Wall = std::chrono::system_clock;

/// The processor's time that the calling thread has used so far (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID).
[[nodiscard]] Steady::duration thread_time();

/// RFC 3339, UTC, microseconds: 2026-11-22T20:14:13.000123Z.
[[nodiscard]] std::string rfc3339(Wall::time_point t);
/// To the second, of any year that can be written: 2999-12-31T00:00:00Z is beyond what Wall can hold.
[[nodiscard]] std::string rfc3339(std::chrono::sys_seconds t);

}  // namespace holdfast
