#include "alerts_file.h"

#include <cerrno>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/time_spec.h"

#include "alert_lines.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostDepth = 8;

Result<json::value> parse_line(const std::string& line) {
  json::parse_options options;
  options.max_depth = kMostDepth;
  json::error_code failed;
  auto value = json::parse({line.data(), line.size()}, failed, {}, options);
  if (failed) return Error{EINVAL, fmt::format("it is not valid JSON: {}", failed.message())};
  if (text_of(value, "kind").empty() || text_of(value, "time").empty()) return Error{EINVAL, "it is no alert"};
  return value;
}

}  // namespace

Result<std::uint64_t> read_alerts_file(const std::string& path,
                                       const std::function<void(Wall::time_point time, json::object alert)>& take) {
  auto lines = AlertLines::open(path);
  if (!lines) return lines.error();
  std::string line;
  while (true) {
    const auto more = lines->next(line);
    if (!more) return more.error();
    if (!*more) return lines->halves();
    auto alert = parse_line(line);
    if (!alert && lines->leave_out_half(line)) continue;
    if (!alert) return lines->where(alert.error());
    const auto time = parse_rfc3339(text_of(*alert, "time"));
    if (!time) return lines->where(time.error());
    take(*time, std::move(alert->as_object()));
  }
}

}  // namespace holdfast::cli
