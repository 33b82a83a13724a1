#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "holdfast/base/clock.h"

namespace holdfast::gate {

/// What the gate's thread says of itself: since when it has been at one piece of work. Written by that thread alone.
class Pulse {
 public:
  /// Before anything that may take long is begun: a read of events, and what follows until the next wait.
  void begin() { since_.store(Steady::now().time_since_epoch().count(), std::memory_order_release); }
  void end() { since_.store(0, std::memory_order_release); }
  /// How long the present piece has taken; zero between pieces.
  [[nodiscard]] Steady::duration busy_for() const;

 private:
  std::atomic<Steady::rep> since_{0};
};

/// Watches a thread from outside of it: the gate's must never be held by anything, and if it is all the same (a file
/// system that does not answer when the kernel opens an event's file, a dead lock), every execution on the host's
/// containers waits for it. Calls `on_stuck` once each time a piece of work takes longer than `patience` while the
/// thread sleeps; a thread that wants to run and gets no processor is given ten times that. Owns a thread, on which
/// `on_stuck` runs.
class Watchdog {
 public:
  struct Watched {
    const Pulse* pulse = nullptr;
    pid_t thread = 0;
  };
  struct Dependencies {
    /// What to watch now: `on_stuck` may have replaced it.
    std::function<Watched()> watched;
    std::function<std::chrono::milliseconds()> patience;
    std::function<void()> on_stuck;
  };
  explicit Watchdog(Dependencies dependencies);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void run();

  const Dependencies dependencies_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace holdfast::gate
