#include "values.h"

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "ini.h"

namespace holdfast::policy {
namespace {

/// The number that `text` begins with, digits only; what follows it is left in `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// Exactly `digits` digits.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool take_byte(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || !take_byte(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take_byte(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

/// hh:mm, in minutes.
std::optional<std::chrono::minutes> take_hours_minutes(std::string_view& text) {
  const auto hours = take_digits(text, 2);
  if (!hours || !take_byte(text, ":")) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
}

std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (take_byte(text, "Zz")) return std::chrono::minutes{0};
  const bool east = !text.empty() && text.front() == '+';
  if (!take_byte(text, "+-")) return std::nullopt;
  const auto offset = take_hours_minutes(text);
  if (!offset) return std::nullopt;
  return east ? *offset : -*offset;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t kYear = 365ULL * 24 * 3600 * 1000;
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  std::uint64_t unit = 0;
  if (text == "ms") unit = 1;
  if (text == "s") unit = 1000;
  if (text == "m") unit = 60'000;
  if (text == "h") unit = 3'600'000;
  if (unit == 0 || *number > kYear / unit) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*number * unit)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  std::uint64_t unit = 0;
  if (text.empty()) unit = 1;
  if (text == "K") unit = 1ULL << 10;
  if (text == "M") unit = 1ULL << 20;
  if (text == "G") unit = 1ULL << 30;
  if (unit == 0 || *number > std::numeric_limits<std::uint64_t>::max() / unit) return std::nullopt;
  return *number * unit;
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  return std::nullopt;
}

std::optional<std::chrono::sys_seconds> parse_moment(std::string_view text) {
  const auto date = take_date(text);
  if (!date) return std::nullopt;
  if (text.empty()) return std::chrono::sys_seconds{*date};
  if (!take_byte(text, "Tt ")) return std::nullopt;
  const auto minutes = take_hours_minutes(text);
  if (!minutes || !take_byte(text, ":")) return std::nullopt;
  const auto seconds = take_digits(text, 2);
  if (!seconds || *seconds > 60) return std::nullopt;  // 60: a leap second
  if (take_byte(text, ".")) {
    if (!take_digits(text, 1)) return std::nullopt;
    while (take_digits(text, 1)) continue;
  }
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return std::chrono::sys_seconds{*date} + *minutes + std::chrono::seconds{*seconds} - *zone;
}

std::optional<std::string> path_complaint(std::string_view path) {
  const auto wrong = [&](std::string_view what) {
    return fmt::format("{} {}; an absolute path as the kernel writes it, like /opt/app/bin, would be right",
                       in_quotes(path), what);
  };
  if (path.empty() || path.front() != '/') return wrong("is not absolute");
  if (path == "/") return std::nullopt;
  if (path.back() == '/') return wrong("ends in \"/\"");
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view component = path.substr(at, end - at);
    if (component.empty()) return wrong("has \"//\" in it");
    if (component == "." || component == "..") return wrong("has \".\" or \"..\" in it");
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace holdfast::policy
