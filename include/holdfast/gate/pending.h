#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <optional>

#include "holdfast/base/clock.h"
#include "holdfast/container/container.h"
#include "holdfast/gate/event_table.h"
#include "holdfast/kernel/fanotify.h"

namespace holdfast::gate {

/// One event that the fast path could not settle, from the gate's thread to a worker. Whoever claims it answers it,
/// exactly once: the worker with its verdict, or the gate's thread at the deadline. The event's descriptor stays open
/// until the last owner is gone, so that its number cannot name another event meanwhile (kernel fact 13).
struct Pending : std::enable_shared_from_this<Pending> {
  kernel::FanotifyEvent event;
  dev_t device = 0;  ///< with the inode, the file: as the gate's thread noted it in the ExecLog
  ino_t inode = 0;
  std::shared_ptr<container::Container> container;  ///< by the file's device; empty: to be found through the process
  /// The same, as soon as a worker has found it: for the gate's thread, should the deadline come first.
  std::atomic<std::shared_ptr<const container::Container>> found;
  /// Left by a service that ended: the descriptor holds the event's number only, until a worker has found its file.
  std::optional<InHand> inherited;
  Steady::time_point arrived;
  Steady::time_point deadline;
  std::atomic<bool> answered{false};
  std::atomic<bool> deadline_missed{false};  ///< answered by the gate's thread, with the configured answer
  std::atomic<bool> allowed{true};           ///< what was answered
  bool told = false;  ///< the net has reported it already: there is nothing more to count or to tell
  /// A loader may follow (InterpreterOrder): until somebody has looked, any file may be a dynamic program.
  std::atomic<bool> may_be_dynamic{true};

  /// True for the one caller that may answer.
  [[nodiscard]] bool claim() noexcept { return !answered.exchange(true, std::memory_order_acq_rel); }
  [[nodiscard]] bool wants_answer() const { return event.is_permission(); }
};

}  // namespace holdfast::gate
