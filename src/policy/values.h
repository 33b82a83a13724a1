#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::policy {

/// "500ms", "30s", "15m", "1h": a whole number and a unit, at most a year.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// Bytes: "0", "4096", "64K", "10M", "1G" (powers of 1024).
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
/// "yes" or "no".
[[nodiscard]] std::optional<bool> parse_switch(std::string_view text);
/// "2026-12-31" (the start of that day, UTC) or RFC 3339 ("2026-12-31T18:00:00+01:00"; fractions of a second are cut).
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_moment(std::string_view text);

/// Nothing if `path` is absolute without "." and ".." components, "//" and a "/" at its end; else what is wrong and
/// what would be right. The kernel names files so, and a rule or setting written otherwise would never fit.
[[nodiscard]] std::optional<std::string> path_complaint(std::string_view path);

}  // namespace holdfast::policy
