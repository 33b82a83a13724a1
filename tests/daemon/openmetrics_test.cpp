#include "../../src/daemon/commands/openmetrics.h"

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

using namespace holdfast::daemon;

TEST_CASE("metrics are OpenMetrics text, ended by EOF") {
  const std::vector<MetricFamily> families = {
      {"holdfast_events", MetricFamily::Type::counter, "", "Events.", {{"_total", {}, 12345678}}},
      {"holdfast_gate_latency_seconds",
       MetricFamily::Type::histogram,
       "seconds",
       "Latency.",
       {{"_bucket", {{"le", "0.001"}}, 3}, {"_bucket", {{"le", "+Inf"}}, 4}, {"_count", {}, 4}, {"_sum", {}, 0.0625}}}};
  CHECK(to_openmetrics(families) ==
        "# TYPE holdfast_events counter\n"
        "# HELP holdfast_events Events.\n"
        "holdfast_events_total 12345678\n"
        "# TYPE holdfast_gate_latency_seconds histogram\n"
        "# UNIT holdfast_gate_latency_seconds seconds\n"
        "# HELP holdfast_gate_latency_seconds Latency.\n"
        "holdfast_gate_latency_seconds_bucket{le=\"0.001\"} 3\n"
        "holdfast_gate_latency_seconds_bucket{le=\"+Inf\"} 4\n"
        "holdfast_gate_latency_seconds_count 4\n"
        "holdfast_gate_latency_seconds_sum 0.0625\n"
        "# EOF\n");
}

TEST_CASE("a label's value cannot end the line or the label") {
  const std::vector<MetricFamily> families = {
      {"x", MetricFamily::Type::gauge, "", "a\nb", {{"", {{"name", "a\"b\\c\nd"}, {"mode", "off"}}, -1.5}}}};
  CHECK(to_openmetrics(families) ==
        "# TYPE x gauge\n# HELP x a\\nb\nx{name=\"a\\\"b\\\\c\\nd\",mode=\"off\"} -1.5\n# EOF\n");
  CHECK(boost::json::serialize(to_json(families)).find("\"labels\"") != std::string::npos);
}

TEST_CASE("Prometheus' older format has the same samples under its own names of families") {
  const std::vector<MetricFamily> families = {
      {"holdfast_events", MetricFamily::Type::counter, "", "Events.", {{"_total", {}, 2}}},
      {"holdfast_build", MetricFamily::Type::info, "", "What runs.", {{"_info", {{"version", "1"}}, 1}}},
      {"holdfast_start_seconds", MetricFamily::Type::gauge, "seconds", "Start.", {{"", {}, 7}}}};
  CHECK(
      to_prometheus(families) ==
      "# HELP holdfast_events_total Events.\n# TYPE holdfast_events_total counter\nholdfast_events_total 2\n"
      "# HELP holdfast_build_info What runs.\n# TYPE holdfast_build_info gauge\nholdfast_build_info{version=\"1\"} 1\n"
      "# HELP holdfast_start_seconds Start.\n# TYPE holdfast_start_seconds gauge\nholdfast_start_seconds 7\n");
}
