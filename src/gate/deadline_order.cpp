#include "holdfast/gate/deadline_order.h"

#include <algorithm>

namespace holdfast::gate {

void DeadlineOrder::put(const std::shared_ptr<Pending>& pending) {
  const auto place =
      std::upper_bound(waiting_.begin(), waiting_.end(), pending->deadline,
                       [](Steady::time_point deadline, const Waiting& one) { return deadline < one.deadline; });
  waiting_.insert(place, {pending->deadline, pending});
}

/// Forgets those before it, which are answered.
std::shared_ptr<Pending> DeadlineOrder::first() {
  while (!waiting_.empty()) {
    if (auto pending = waiting_.front().pending.lock()) {
      if (!pending->answered.load(std::memory_order_acquire)) return pending;
    }
    waiting_.pop_front();
  }
  return nullptr;
}

std::shared_ptr<Pending> DeadlineOrder::take_due(Steady::time_point now) {
  auto pending = first();
  if (!pending || pending->deadline > now) return nullptr;
  waiting_.pop_front();
  return pending;
}

std::optional<Steady::time_point> DeadlineOrder::next() {
  const auto pending = first();
  return pending ? std::optional(pending->deadline) : std::nullopt;
}

std::vector<std::shared_ptr<Pending>> DeadlineOrder::all() const {
  std::vector<std::shared_ptr<Pending>> all;
  for (const auto& one : waiting_) {
    if (auto pending = one.pending.lock()) all.push_back(std::move(pending));
  }
  return all;
}

}  // namespace holdfast::gate
