#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "holdfast/base/clock.h"

#include "hasher.h"
#include "store.h"

namespace holdfast::baseline {

struct CaptureCounters {
  std::atomic<std::uint64_t> running{0}, done{0}, failed{0}, files_hashed{0}, bytes_hashed{0}, cache_hits{0};
};

/// What the catalog, its captures and its baselines share. Outlives the catalog while a baseline does. Any thread.
class CaptureContext {
 public:
  CaptureContext(std::unique_ptr<Store> store, std::function<void(const std::string&)> on_problem)
      : store_(std::move(store)), on_problem_(std::move(on_problem)) {}

  [[nodiscard]] Store& store() { return *store_; }
  CaptureCounters counters;

  void problem(const std::string& sentence) const {
    if (on_problem_) on_problem_(sentence);
  }
  /// Gives a failed write's error to the log; what was to be written stays in memory.
  void report(const Result<void>& written) const {
    if (!written) problem(written.error().message);
  }

  void stop() { stopping_.store(true); }
  [[nodiscard]] bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
  /// For work that ends with the catalog only.
  [[nodiscard]] StopCode until_stopped() const;

  /// Counts a file that was read, and keeps its hash for the database's cache (`file_system` 0, or not proven: does
  /// not).
  void count_hashed(std::uint64_t file_system, const Identity& identity, const HashedFile& hashed);
  /// Writes what has gathered in a batch, so that a capture that is cut short does not read finished files again.
  void flush_hashes();
  /// The same, if there is much of it, or some of it is old.
  void flush_hashes_if_due();

 private:
  std::unique_ptr<Store> store_;
  std::function<void(const std::string&)> on_problem_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<CachedHash> unsaved_;
  Steady::time_point last_flush_ = Steady::now();
};

}  // namespace holdfast::baseline
