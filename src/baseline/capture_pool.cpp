#include "capture_pool.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace holdfast::baseline {
namespace {

// ioprio_set(2), which no libc wraps. Not from <linux/ioprio.h>: that of Debian's linux-libc-dev 6.1.192 has a function
// with a parameter called `class`, which is no C++.
constexpr int kWhoProcess = 1;
constexpr int kIdleClass = 3 << 13;

/// Captures must not slow down what they watch. Best effort: a host that refuses is captured at normal priority.
void step_back() {
  constexpr int kNice = 10;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
  static_cast<void>(::syscall(SYS_ioprio_set, kWhoProcess, 0, kIdleClass));
}

}  // namespace

CapturePool::CapturePool(unsigned hashing_threads, std::shared_ptr<CaptureContext> context)
    : context_(std::move(context)) {
  const unsigned hashing = hashing_threads != 0 ? hashing_threads : std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i <= hashing; ++i) threads_.emplace_back([this, i] { work(i != 0); });
}

CapturePool::~CapturePool() {
  context_->stop();
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void CapturePool::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_all();
}

void CapturePool::submit(std::shared_ptr<Capture> capture) {
  post([this, capture = std::move(capture)] {
    if (!capture->prepare()) return;
    {
      const std::lock_guard lock(mutex_);
      hashing_.push_back(capture);
    }
    wake_.notify_all();
  });
}

/// The first thread takes tasks only, at normal priority: while an image is being walked, each execution from it takes
/// the slow path. The others help out when it is busy.
void CapturePool::work(bool may_hash) {
  if (may_hash) step_back();
  const auto may_take_task = [&] { return !tasks_.empty() && (!may_hash || task_thread_busy_); };
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stop_ || may_take_task() || (may_hash && !hashing_.empty()); });
    if (stop_) return;
    if (may_take_task()) {
      run_task(lock, may_hash);
    } else {
      hash_some(lock);
    }
  }
}

void CapturePool::run_task(std::unique_lock<std::mutex>& lock, bool may_hash) {
  auto task = std::move(tasks_.front());
  tasks_.pop_front();
  if (!may_hash) task_thread_busy_ = true;
  const bool more = !may_hash && !tasks_.empty();
  lock.unlock();
  if (more) wake_.notify_all();
  task();
  task = nullptr;  // may own the last reference to a baseline, whose view takes time to unmount
  lock.lock();
  if (!may_hash) task_thread_busy_ = false;
}

void CapturePool::hash_some(std::unique_lock<std::mutex>& lock) {
  std::shared_ptr<Capture> capture = std::move(hashing_.front());
  hashing_.pop_front();
  const Capture::Batch batch = capture->claim();
  if (!capture->exhausted()) hashing_.push_back(capture);
  lock.unlock();
  capture->hash(batch);
  lock.lock();
  const bool last = capture->give_back(batch);
  lock.unlock();
  if (last) capture->finish();
  capture.reset();
  lock.lock();
}

}  // namespace holdfast::baseline
