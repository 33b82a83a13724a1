#include "capture_context.h"

#include <cerrno>
#include <utility>

namespace holdfast::baseline {
namespace {

constexpr std::size_t kBatch = 1024;
constexpr std::chrono::seconds kBatchAge{1};
/// Beyond this the cache is better off without: the hashes are in the baselines anyway.
constexpr std::size_t kMostUnsaved = 65536;

}  // namespace

StopCode CaptureContext::until_stopped() const {
  return [this] { return stopping() ? ECANCELED : 0; };
}

void CaptureContext::count_hashed(std::uint64_t file_system, const Identity& identity, const HashedFile& hashed) {
  counters.files_hashed.fetch_add(1, std::memory_order_relaxed);
  counters.bytes_hashed.fetch_add(identity.size, std::memory_order_relaxed);
  if (file_system == 0 || !hashed.proven) return;
  const std::lock_guard lock(mutex_);
  if (unsaved_.size() < kMostUnsaved) unsaved_.push_back({file_system, identity, hashed.sha256});
}

void CaptureContext::flush_hashes_if_due() {
  {
    const std::lock_guard lock(mutex_);
    if (unsaved_.size() < kBatch && Steady::now() - last_flush_ < kBatchAge) return;
  }
  flush_hashes();
}

void CaptureContext::flush_hashes() {
  std::vector<CachedHash> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(unsaved_);
    last_flush_ = Steady::now();
  }
  report(store().cache(batch));
}

}  // namespace holdfast::baseline
