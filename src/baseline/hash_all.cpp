#include "hash_all.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

namespace holdfast::baseline {
namespace {

constexpr std::chrono::milliseconds kProgressPeriod{100};

/// One run: a shared index into the list of files, taken from by all threads.
class Run {
 public:
  Run(int root, IdentityTable& table, const HashAllRules& rules, CaptureContext& context)
      : root_(root), table_(table), rules_(rules), context_(context), files_(table.distinct_code()) {}

  Result<void> go(const Catalog::Progress& progress) {
    std::vector<std::jthread> threads;
    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    const std::size_t wanted = rules_.threads != 0 ? rules_.threads : cores;
    running_ = std::clamp<std::size_t>(files_.size(), 1, wanted);
    for (std::size_t i = running_; i > 0; --i) threads.emplace_back([this] { work(); });
    const bool stopped = !watch(progress);
    threads.clear();
    context_.flush_hashes();
    if (stopped || context_.stopping()) return errno_error(ECANCELED, "reading an image's files");
    return {};
  }

 private:
  void work() {
    const StopCode stop = [this] {
      return stop_.load(std::memory_order_relaxed) || context_.stopping() ? ECANCELED : 0;
    };
    for (std::size_t i = next_.fetch_add(1); i < files_.size() && stop() == 0; i = next_.fetch_add(1)) {
      const std::uint32_t file = files_[i];
      auto hashed = hash_at(root_, table_.path(file), table_.identity(file), rules_.each, stop);
      if (hashed) {
        table_.set_hash(file, hashed->sha256, hashed->proven);
        context_.count_hashed(rules_.file_system, table_.identity(file), *hashed);
      } else if (hashed.error().code != ECANCELED) {
        context_.problem(hashed.error().message);
      }
      done_.fetch_add(1);
    }
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  }

  /// False if `progress` wants no more.
  bool watch(const Catalog::Progress& progress) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const bool over = ended_.wait_for(lock, kProgressPeriod, [this] { return running_ == 0; });
      lock.unlock();
      if (progress && !progress(done_.load(), files_.size())) {
        stop_.store(true);
        return false;
      }
      if (over) return true;
      lock.lock();
    }
  }

  const int root_;
  IdentityTable& table_;
  const HashAllRules& rules_;
  CaptureContext& context_;
  const std::span<const std::uint32_t> files_;
  std::atomic<std::size_t> next_{0}, done_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
};

}  // namespace

Result<void> hash_all(int root, IdentityTable& table, const HashAllRules& rules, CaptureContext& context,
                      const Catalog::Progress& progress) {
  return Run(root, table, rules, context).go(progress);
}

}  // namespace holdfast::baseline
