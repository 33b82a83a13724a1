#include "openmetrics.h"

#include <cmath>

#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

const char* to_text(MetricFamily::Type type) {
  switch (type) {
    case MetricFamily::Type::counter:
      return "counter";
    case MetricFamily::Type::gauge:
      return "gauge";
    case MetricFamily::Type::histogram:
      return "histogram";
    case MetricFamily::Type::info:
      break;
  }
  return "info";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || c == '"') out += '\\';
      out += c;
    }
  }
  return out;
}

/// Whole numbers without a fraction: counters are.
std::string number(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) < kExact)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

void append(std::string& out, const std::string& family, const MetricFamily::Sample& sample) {
  out += family + sample.suffix;
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    const auto& [key, value] = sample.labels[i];
    out += fmt::format("{}{}=\"{}\"", i == 0 ? "{" : ",", key, escaped(value));
  }
  if (!sample.labels.empty()) out += '}';
  out += fmt::format(" {}\n", number(sample.value));
}

}  // namespace

std::string to_openmetrics(const std::vector<MetricFamily>& families) {
  std::string out;
  for (const auto& family : families) {
    out += fmt::format("# TYPE {} {}\n", family.name, to_text(family.type));
    if (!family.unit.empty()) out += fmt::format("# UNIT {} {}\n", family.name, family.unit);
    out += fmt::format("# HELP {} {}\n", family.name, escaped(family.help));
    for (const auto& sample : family.samples) append(out, family.name, sample);
  }
  return out + "# EOF\n";
}

std::string to_prometheus(const std::vector<MetricFamily>& families) {
  std::string out;
  for (const auto& family : families) {
    const bool is_info = family.type == MetricFamily::Type::info;
    const bool is_counter = family.type == MetricFamily::Type::counter;
    const std::string name = family.name + (is_info ? "_info" : is_counter ? "_total" : "");
    out += fmt::format("# HELP {} {}\n", name, escaped(family.help));
    out += fmt::format("# TYPE {} {}\n", name, is_info ? "gauge" : to_text(family.type));
    for (const auto& sample : family.samples) append(out, family.name, sample);
  }
  return out;
}

json::array to_json(const std::vector<MetricFamily>& families) {
  json::array out;
  for (const auto& family : families) {
    json::array samples;
    for (const auto& sample : family.samples) {
      json::object labels;
      for (const auto& [key, value] : sample.labels) labels[key] = value;
      samples.push_back(
          json::object{{"name", family.name + sample.suffix}, {"labels", std::move(labels)}, {"value", sample.value}});
    }
    out.push_back(json::object{{"name", family.name},
                               {"type", to_text(family.type)},
                               {"unit", family.unit},
                               {"help", family.help},
                               {"samples", std::move(samples)}});
  }
  return out;
}

}  // namespace holdfast::daemon
