#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/gate/counters.h"

#include "openmetrics.h"

namespace holdfast::daemon {

// What the metrics are put together from.

[[nodiscard]] inline double value_of(const std::atomic<std::uint64_t>& counter) {
  return static_cast<double>(counter.load());
}
[[nodiscard]] inline double value_of(std::uint64_t counter) { return static_cast<double>(counter); }
[[nodiscard]] inline double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// A family of one sample, without labels.
[[nodiscard]] MetricFamily counter(std::string name, std::string help, double value);
[[nodiscard]] MetricFamily gauge(std::string name, std::string help, double value);

/// All that the gate, the writers' thread and the net count.
void add_gate_metrics(std::vector<MetricFamily>& families, const gate::Counters& counters);

}  // namespace holdfast::daemon
