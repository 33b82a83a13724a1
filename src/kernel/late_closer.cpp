#include "holdfast/kernel/late_closer.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace holdfast::kernel {
namespace {

/// So many overlays may be written back at a time while others are closed.
constexpr std::size_t kThreads = 4;
/// Whoever has closed nothing for so long is held.
constexpr auto kHeld = std::chrono::milliseconds(1);
constexpr std::size_t kMostWaiting = 4096, kShareOfAllDescriptors = 8;

std::size_t most_waiting() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostWaiting;
  return std::min<std::size_t>(kMostWaiting, limit.rlim_cur / kShareOfAllDescriptors);
}

}  // namespace

LateCloser::LateCloser() : most_waiting_(most_waiting()) {
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

LateCloser::~LateCloser() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  come_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void LateCloser::close(UniqueFd file) {
  if (!file) return;
  std::vector<UniqueFd> files;
  files.push_back(std::move(file));
  close(std::move(files));
}

void LateCloser::close(std::vector<UniqueFd> files) {
  std::erase_if(files, [](const UniqueFd& file) { return !file; });
  if (files.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= most_waiting_) return;
    std::ranges::move(files, std::back_inserter(waiting_));
    if (idle_ == 0 || watched_) return;
  }
  come_.notify_one();
}

void LateCloser::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    come_.wait(lock, [this] { return stop_ || (!waiting_.empty() && !watched_); });
    --idle_;
    if (waiting_.empty()) return;
    watch(lock);
    work(lock);
  }
}

/// Returns when nobody closes what is there.
void LateCloser::watch(std::unique_lock<std::mutex>& lock) {
  watched_ = true;
  while (!stop_ && working_ > 0 && !waiting_.empty()) {
    const auto closed = closed_;
    (void)come_.wait_for(lock, kHeld, [this] { return stop_ || waiting_.empty(); });
    if (closed_ == closed) break;
  }
  watched_ = false;
}

void LateCloser::work(std::unique_lock<std::mutex>& lock) {
  ++working_;
  while (!waiting_.empty()) {
    UniqueFd file = std::move(waiting_.front());
    waiting_.pop_front();
    const bool unwatched = !waiting_.empty() && !watched_ && idle_ > 0;
    lock.unlock();
    if (unwatched) come_.notify_one();
    file.reset();
    lock.lock();
    ++closed_;
  }
  --working_;
}

}  // namespace holdfast::kernel
