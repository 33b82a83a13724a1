#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>

namespace holdfast::daemon {

/// One metric family of the OpenMetrics text format (1.0.0).
struct MetricFamily {
  enum class Type { counter, gauge, histogram, info };
  struct Sample {
    std::string suffix;  ///< "_total", "_bucket", …
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
  };

  std::string name;  ///< without the suffix
  Type type = Type::gauge;
  std::string unit;  ///< the end of the name, or empty
  std::string help;
  std::vector<Sample> samples;
};

/// Ends with "# EOF". Label values and help are escaped.
[[nodiscard]] std::string to_openmetrics(const std::vector<MetricFamily>& families);
/// The same in Prometheus' own text format (0.0.4), which node_exporter's textfile collector reads: it knows no infos
/// and no units, and wants a counter's family named as its sample is. The samples are the same.
[[nodiscard]] std::string to_prometheus(const std::vector<MetricFamily>& families);
[[nodiscard]] boost::json::array to_json(const std::vector<MetricFamily>& families);

}  // namespace holdfast::daemon
