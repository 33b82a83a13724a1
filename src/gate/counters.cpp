#include "holdfast/gate/counters.h"

#include <algorithm>
#include <bit>

namespace holdfast::gate {
namespace {

// Four buckets for each power of two of nanoseconds: an error of at most 25 %.
constexpr unsigned kSubBits = 2;
constexpr unsigned kSub = 1U << kSubBits;

std::size_t bucket_of(std::uint64_t ns) {
  if (ns < kSub) return static_cast<std::size_t>(ns);
  const unsigned exponent = static_cast<unsigned>(std::bit_width(ns)) - 1 - kSubBits;
  const auto bucket = static_cast<std::size_t>(exponent) * kSub + static_cast<std::size_t>(ns >> exponent);
  return std::min(bucket, LatencyHistogram::kBuckets - 1);
}

/// The largest value that falls into the bucket.
std::uint64_t upper_bound_of(std::size_t bucket) {
  if (bucket < 2UL * kSub) return bucket;
  const auto exponent = static_cast<unsigned>(bucket / kSub) - 1;
  return ((static_cast<std::uint64_t>(bucket % kSub) + kSub + 1) << exponent) - 1;
}

}  // namespace

void LatencyHistogram::record(std::chrono::nanoseconds latency) noexcept {
  const std::int64_t ns = std::max<std::int64_t>(0, latency.count());
  counts_[bucket_of(static_cast<std::uint64_t>(ns))].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(ns, std::memory_order_relaxed);
  std::int64_t seen = max_.load(std::memory_order_relaxed);
  while (ns > seen && !max_.compare_exchange_weak(seen, ns, std::memory_order_relaxed)) {
  }
}

std::chrono::nanoseconds LatencyHistogram::quantile(double q) const {
  const std::uint64_t total = count();
  if (total == 0) return {};
  const auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(total - 1));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i].load(std::memory_order_relaxed);
    if (seen > wanted) return std::min(std::chrono::nanoseconds(upper_bound_of(i)), max());
  }
  return max();
}

std::chrono::nanoseconds LatencyHistogram::max() const {
  return std::chrono::nanoseconds(max_.load(std::memory_order_relaxed));
}

std::chrono::nanoseconds LatencyHistogram::sum() const {
  return std::chrono::nanoseconds(sum_.load(std::memory_order_relaxed));
}

std::uint64_t LatencyHistogram::count() const {
  std::uint64_t total = 0;
  for (const auto& bucket : counts_) total += bucket.load(std::memory_order_relaxed);
  return total;
}

std::vector<std::pair<std::chrono::nanoseconds, std::uint64_t>> LatencyHistogram::buckets() const {
  std::vector<std::pair<std::chrono::nanoseconds, std::uint64_t>> used;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const std::uint64_t n = counts_[i].load(std::memory_order_relaxed);
    if (n > 0) used.emplace_back(upper_bound_of(i), n);
  }
  return used;
}

void VerdictCounts::count(policy::Reason reason, policy::Mode mode) noexcept {
  counts_.at(static_cast<std::size_t>(reason))
      .at(static_cast<std::size_t>(mode))
      .fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t VerdictCounts::of(policy::Reason reason, policy::Mode mode) const {
  return counts_.at(static_cast<std::size_t>(reason)).at(static_cast<std::size_t>(mode)).load();
}

std::uint64_t VerdictCounts::of(policy::Reason reason) const {
  std::uint64_t all = 0;
  for (const auto& count : counts_.at(static_cast<std::size_t>(reason))) all += count.load();
  return all;
}

}  // namespace holdfast::gate
