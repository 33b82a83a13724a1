#pragma once

#include <atomic>
#include <memory>

#include "holdfast/base/clock.h"
#include "holdfast/container/container.h"
#include "holdfast/kernel/fanotify.h"

namespace holdfast::gate {

/// One event that the fast path could not settle, from the gate's thread to a worker. Whoever claims it answers it,
/// exactly once: the worker with its verdict, or the gate's thread at the deadline. The event's descriptor stays open
/// until the last owner is gone, so that its number cannot name another event meanwhile (kernel fact 13).
struct Pending {
  kernel::FanotifyEvent event;
  std::shared_ptr<container::Container> container;  ///< empty: to be found through the process
  Steady::time_point arrived;
  Steady::time_point deadline;
  std::atomic<bool> answered{false};
  std::atomic<bool> deadline_missed{false};  ///< answered by the gate's thread, with the configured answer
  std::atomic<bool> allowed{true};           ///< what was answered

  /// True for the one caller that may answer.
  [[nodiscard]] bool claim() noexcept { return !answered.exchange(true, std::memory_order_acq_rel); }
  [[nodiscard]] bool wants_answer() const { return event.is_permission(); }
};

}  // namespace holdfast::gate
