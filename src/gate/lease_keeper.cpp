#include "holdfast/gate/lease_keeper.h"

#include <charconv>
#include <chrono>
#include <string>

#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

constexpr auto kLongestExec = std::chrono::seconds(10);
constexpr auto kPollInterval = std::chrono::milliseconds(1);
constexpr std::size_t kStatLimit = 4096;
/// `startstack` in proc(5), counted from the first field behind the program's name.
constexpr int kStartStackField = 26;

/// Where the process's stack begins: random, and new with each execution. 0: the process is gone.
std::uint64_t stack_start(int proc_dir) {
  const auto text = kernel::read_file_at(proc_dir, "stat", kStatLimit);
  if (!text) return 0;
  std::size_t at = text->rfind(')');
  for (int field = 0; at != std::string::npos && field < kStartStackField; ++field) at = text->find(' ', at + 1);
  std::uint64_t value = 0;
  if (at != std::string::npos) std::from_chars(text->data() + at + 1, text->data() + text->size(), value);
  return value;
}

}  // namespace

LeaseKeeper::LeaseKeeper() : thread_([this] { run(); }) {}

LeaseKeeper::~LeaseKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

LeaseKeeper::Watch LeaseKeeper::watch(UniqueFd proc_dir) {
  const std::uint64_t before = stack_start(proc_dir.get());
  return {std::move(proc_dir), before};
}

void LeaseKeeper::keep(kernel::ReadLease lease, Watch watch) {
  {
    const std::lock_guard lock(mutex_);
    kept_.push_back({std::move(lease), std::move(watch), Steady::now() + kLongestExec});
  }
  wake_.notify_one();
}

void LeaseKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (kept_.empty()) {
      wake_.wait(lock, [this] { return stop_ || !kept_.empty(); });
    } else {
      wake_.wait_for(lock, kPollInterval, [this] { return stop_; });
    }
    const auto now = Steady::now();
    kept_.remove_if([now](const Kept& kept) {
      return kept.until <= now || stack_start(kept.watch.proc_dir.get()) != kept.watch.stack_before;
    });
  }
}

}  // namespace holdfast::gate
