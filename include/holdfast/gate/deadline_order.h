#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/gate/pending.h"

namespace holdfast::gate {

/// Who waits for an answer, by deadline. It owns nobody: a descriptor goes with the worker that is done with it, not
/// when its deadline would have come. One thread at a time.
class DeadlineOrder {
 public:
  /// At the end, unless the deadline has been made shorter while others wait.
  void put(const std::shared_ptr<Pending>& pending);
  /// The next one that is not answered and whose deadline has come; null: none.
  [[nodiscard]] std::shared_ptr<Pending> take_due(Steady::time_point now);
  /// The first deadline of those that are not answered.
  [[nodiscard]] std::optional<Steady::time_point> next();
  /// Those whose descriptors are open for their events still.
  [[nodiscard]] std::vector<std::shared_ptr<Pending>> all() const;

 private:
  struct Waiting {
    Steady::time_point deadline;
    std::weak_ptr<Pending> pending;
  };
  [[nodiscard]] std::shared_ptr<Pending> first();

  std::deque<Waiting> waiting_;
};

}  // namespace holdfast::gate
