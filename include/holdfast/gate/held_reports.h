#pragma once

#include <sys/types.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "holdfast/base/clock.h"
#include "holdfast/container/container.h"
#include "holdfast/gate/reporter.h"

namespace holdfast::gate {

/// The net's reports of executions that nobody waits for, until the gate must have had its notification, if there is
/// one. Each may hold a descriptor, so they are bounded; and a storm in one container takes no room from another. Not
/// thread-safe.
class HeldReports {
 public:
  static constexpr std::size_t kMost = 512;

  struct Held {
    Steady::time_point due;   ///< not earlier than that of what was put before
    Steady::time_point seen;  ///< by the net: its notification, if there is one, was queued before
    pid_t pid = 0;
    dev_t device = 0;
    ino_t inode = 0;
    std::shared_ptr<container::Container> container;
    Reporter::Report report;
  };

  /// Gives back what had to make room: the oldest of the container that has most.
  [[nodiscard]] std::optional<Held> put(Held held);
  /// The oldest; null if there is none. Until the next call of another member.
  [[nodiscard]] Held* first() { return held_.empty() ? nullptr : &held_.front(); }
  [[nodiscard]] Held take_first() { return take(held_.begin()); }

 private:
  [[nodiscard]] Held take(const std::deque<Held>::iterator& which);
  [[nodiscard]] const container::Container* crowd() const;  ///< whoever has most

  std::deque<Held> held_;
  std::map<const container::Container*, std::size_t> load_;  ///< how many are whose
};

}  // namespace holdfast::gate
