#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "capture.h"

namespace holdfast::baseline {

/// The background threads. Short work (loading, walking) comes before hashing, and one thread does nothing else. The
/// others hash, at idle I/O priority: images that are hashed at the same time take turns, and share them all.
class CapturePool {
 public:
  CapturePool(unsigned hashing_threads, std::shared_ptr<CaptureContext> context);
  /// Stops the context, and waits for blocks being read; queued work is dropped.
  ~CapturePool();
  CapturePool(const CapturePool&) = delete;
  CapturePool& operator=(const CapturePool&) = delete;

  void submit(std::shared_ptr<Capture> capture);
  void post(std::function<void()> task);

 private:
  void work(bool may_hash);
  void run_task(std::unique_lock<std::mutex>& lock, bool may_hash);
  void hash_some(std::unique_lock<std::mutex>& lock);

  const std::shared_ptr<CaptureContext> context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool task_thread_busy_ = false;
  std::deque<std::function<void()>> tasks_;
  std::deque<std::shared_ptr<Capture>> hashing_;  ///< each has unclaimed files
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::baseline
