#include "holdfast/cli/units.h"

#include <array>

#include <fmt/format.h>

namespace holdfast::cli {

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be printed as 1024.0 of the smaller unit.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::string human_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string human_latency(std::chrono::nanoseconds time) {
  const auto count = static_cast<double>(time.count());
  if (count < 1e3) return fmt::format("{:.0f} ns", count);
  if (count < 999.95e3) return fmt::format("{:.1f} µs", count / 1e3);
  if (count < 999.95e6) return fmt::format("{:.1f} ms", count / 1e6);
  return fmt::format("{:.1f} s", count / 1e9);
}

std::string human_span(std::chrono::seconds time) {
  const auto total = time.count();
  const auto days = total / 86400;
  const auto hours = total / 3600 % 24;
  const auto minutes = total / 60 % 60;
  const auto seconds = total % 60;
  if (days > 0) return fmt::format("{}d {}h", days, hours);
  if (hours > 0) return fmt::format("{}h {}m", hours, minutes);
  if (minutes > 0) return fmt::format("{}m {}s", minutes, seconds);
  return fmt::format("{}s", seconds);
}

}  // namespace holdfast::cli
