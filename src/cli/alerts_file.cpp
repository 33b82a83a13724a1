#include "alerts_file.h"

#include <cerrno>
#include <fstream>
#include <iostream>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/time_spec.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostDepth = 8;
constexpr std::size_t kMostLine = std::size_t{4} * 1024 * 1024;

Result<json::value> parse_line(const std::string& line) {
  if (line.size() > kMostLine) return Error{EFBIG, "it is too long"};
  json::parse_options options;
  options.max_depth = kMostDepth;
  json::error_code failed;
  auto value = json::parse({line.data(), line.size()}, failed, {}, options);
  if (failed) return Error{EINVAL, fmt::format("it is not valid JSON: {}", failed.message())};
  if (text_of(value, "kind").empty() || text_of(value, "time").empty()) return Error{EINVAL, "it is no alert"};
  return value;
}

}  // namespace

Result<void> read_alerts_file(const std::string& path,
                              const std::function<void(Wall::time_point time, json::object alert)>& take) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& input = path == "-" ? std::cin : file;
  if (!input) return errno_error(fmt::format("{}: cannot open", printable(path)));
  std::string line;
  for (std::uint64_t number = 1; std::getline(input, line); ++number) {
    const auto fault = [&](const Error& error) {
      return Error{error.code, fmt::format("{}:{}: {}", printable(path), number, error.message)};
    };
    auto alert = parse_line(line);
    if (!alert) return fault(alert.error());
    const auto time = parse_rfc3339(text_of(*alert, "time"));
    if (!time) return fault(time.error());
    take(*time, std::move(alert->as_object()));
  }
  if (input.bad() || !input.eof()) return errno_error(fmt::format("{}: cannot read", printable(path)));
  return {};
}

}  // namespace holdfast::cli
