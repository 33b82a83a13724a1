#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "holdfast/policy/policy.h"
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

/// How often there was one verdict on drift, by its reason and by the container's mode. Wait-free to count.
class VerdictCounts {
 public:
  static constexpr std::size_t kModes = 3;  ///< of policy::Mode
  void count(policy::Reason reason, policy::Mode mode) noexcept;
  [[nodiscard]] std::uint64_t of(policy::Reason reason, policy::Mode mode) const;
  /// In all modes.
  [[nodiscard]] std::uint64_t of(policy::Reason reason) const;

 private:
  std::array<std::array<std::atomic<std::uint64_t>, kModes>, policy::kReasons.size()> counts_{};
};

/// What the gate counts. Read by status and metrics.
struct Counters {
  std::atomic<std::uint64_t> events{0}, fast_allows{0}, slow_verdicts{0}, barriers{0}, deadlines_missed{0},
      overflows{0}, kernel_denied{0}, notifications_lost{0}, unknown_device{0}, pending{0};
  VerdictCounts denied, alerted, allowed, killed;
  LatencyHistogram latency;
  /// The net's: executions on the host that it has looked at, those in containers that the gate was not asked for,
  /// processes killed after the fact, and times that the kernel dropped process events.
  std::atomic<std::uint64_t> net_executions{0}, net_unmediated{0}, net_killed{0}, process_events_lost{0};
  /// Of writer tracking: events taken in, and times that some were lost.
  std::atomic<std::uint64_t> writer_events{0}, writer_events_lost{0};
};

}  // namespace holdfast::gate
