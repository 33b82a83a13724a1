#include "holdfast/cli/time_spec.h"

#include <charconv>
#include <ctime>
#include <optional>

#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::cli {
namespace {

using std::chrono::seconds;

constexpr seconds kLongestSpan{std::chrono::years{1000}};

/// Takes exactly `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text.front() == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::year_month_day> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return date;
}

/// HH:MM[:SS]
std::optional<seconds> take_time_of_day(std::string_view& text) {
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  int second = 0;
  if (take(text, ':')) {
    const auto given = take_number(text, 2);
    if (!given || *given > 60) return std::nullopt;
    second = *given;
  }
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + seconds(second);
}

/// ".123456" and the like.
std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return std::chrono::nanoseconds(0);
  std::int64_t nanoseconds = 0;
  std::int64_t place = 100'000'000;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits, place /= 10) {
    nanoseconds += (text.front() - '0') * place;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return std::chrono::nanoseconds(nanoseconds);
}

/// "Z" or "+HH:MM".
std::optional<seconds> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return seconds(0);
  const bool negative = !text.empty() && text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto offset = take_time_of_day(text);
  if (!offset) return std::nullopt;
  return negative ? -*offset : *offset;
}

Result<Wall::time_point> local_moment(std::chrono::year_month_day date, seconds time_of_day) {
  std::tm local{};
  local.tm_year = static_cast<int>(date.year()) - 1900;
  local.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  local.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
  local.tm_hour = static_cast<int>(time_of_day.count() / 3600);
  local.tm_min = static_cast<int>(time_of_day.count() / 60 % 60);
  local.tm_sec = static_cast<int>(time_of_day.count() % 60);
  local.tm_isdst = -1;
  const std::time_t moment = std::mktime(&local);
  if (moment == -1) return Error{0, "there is no such local time"};
  return Wall::from_time_t(moment);
}

Result<Wall::time_point> start_of_day(Wall::time_point now, int days_before) {
  const std::time_t seconds_now = Wall::to_time_t(now);
  std::tm local{};
  ::localtime_r(&seconds_now, &local);
  local.tm_mday -= days_before;
  local.tm_hour = local.tm_min = local.tm_sec = 0;
  local.tm_isdst = -1;
  return Wall::from_time_t(std::mktime(&local));
}

std::optional<Wall::time_point> local_date_time(std::string_view text) {
  const auto date = take_date(text);
  if (!date) return std::nullopt;
  seconds time_of_day{0};
  if (!text.empty()) {
    if (!take(text, ' ') && !take(text, 'T')) return std::nullopt;
    const auto given = take_time_of_day(text);
    if (!given || !text.empty()) return std::nullopt;
    time_of_day = *given;
  }
  const auto moment = local_moment(*date, time_of_day);
  if (!moment) return std::nullopt;
  return *moment;
}

std::optional<seconds> unit_of(char c) {
  switch (c) {
    case 's':
      return seconds(1);
    case 'm':
      return std::chrono::minutes(1);
    case 'h':
      return std::chrono::hours(1);
    case 'd':
      return std::chrono::days(1);
    case 'w':
      return std::chrono::weeks(1);
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<seconds> parse_span(std::string_view text) {
  const Error wrong{0, fmt::format("'{}' is not a span of time like 30s, 15m, 2h, 3d or 1h30m", printable(text))};
  if (text.empty()) return wrong;
  seconds total{0};
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || count < 0 || text.empty()) return wrong;
    const auto unit = unit_of(text.front());
    if (!unit || count > kLongestSpan / *unit) return wrong;
    total += count * *unit;
    if (total > kLongestSpan) return wrong;
    text.remove_prefix(1);
  }
  return total;
}

Result<Wall::time_point> parse_rfc3339(std::string_view text) {
  const Error wrong{0, fmt::format("'{}' is not a time like 2026-11-22T20:14:13Z", printable(text))};
  const auto date = take_date(text);
  if (!date || (!take(text, 'T') && !take(text, 't') && !take(text, ' '))) return wrong;
  const auto time_of_day = take_time_of_day(text);
  if (!time_of_day) return wrong;
  const auto fraction = take_fraction(text);
  if (!fraction) return wrong;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return wrong;
  return std::chrono::sys_days(*date) + *time_of_day - *offset + std::chrono::floor<Wall::duration>(*fraction);
}

Result<Wall::time_point> parse_since(std::string_view text, Wall::time_point now) {
  if (text == "now") return now;
  if (text == "today") return start_of_day(now, 0);
  if (text == "yesterday") return start_of_day(now, 1);
  if (const auto span = parse_span(text)) return now - *span;
  if (const auto moment = local_date_time(text)) return *moment;
  if (auto moment = parse_rfc3339(text)) return moment;
  return Error{0, fmt::format("'{}' is not a time: try 15m, 2h, 3d, today, 2026-11-22 or 2026-11-22T20:14:13Z",
                              printable(text))};
}

std::string local_time(Wall::time_point time) {
  const std::time_t seconds_since = Wall::to_time_t(std::chrono::floor<seconds>(time));
  std::tm local{};
  ::localtime_r(&seconds_since, &local);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace holdfast::cli
