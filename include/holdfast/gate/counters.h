#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "holdfast/policy/reason.h"

namespace holdfast::gate {

/// Gate latency from an event's arrival in user space to its answer, in log-linear buckets. Wait-free to record.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 160;
  void record(std::chrono::nanoseconds latency) noexcept;
  [[nodiscard]] std::chrono::nanoseconds quantile(double q) const;
  [[nodiscard]] std::chrono::nanoseconds max() const;
  [[nodiscard]] std::uint64_t count() const;
  /// Upper bounds and counts of the buckets in use, for OpenMetrics.
  [[nodiscard]] std::vector<std::pair<std::chrono::nanoseconds, std::uint64_t>> buckets() const;
  [[nodiscard]] std::chrono::nanoseconds sum() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::int64_t> max_{0}, sum_{0};
};

/// What the gate counts. Read by status and metrics.
struct Counters {
  std::atomic<std::uint64_t> events{0}, fast_allows{0}, slow_verdicts{0}, barriers{0}, deadlines_missed{0},
      overflows{0}, kernel_denied{0}, notifications_lost{0}, unknown_device{0}, pending{0};
  std::array<std::atomic<std::uint64_t>, policy::kReasons.size()> denied{}, alerted{}, allowed{};
  LatencyHistogram latency;
};

}  // namespace holdfast::gate
