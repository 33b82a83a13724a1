#include "holdfast/gate/interpreter_order.h"

#include <algorithm>
#include <utility>

namespace holdfast::gate {
namespace {

/// In detect mode nobody waits for us: a few executions of one process may be under way. More are nobody's honest need.
constexpr unsigned kMostOfOne = 64;

/// A pid and when it was noted, by the clock that goes on from one process to the next.
std::uint64_t kept_form(pid_t pid, Steady::time_point now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  return std::uint64_t{static_cast<std::uint32_t>(pid)} << 32 | static_cast<std::uint32_t>(seconds);
}
pid_t kept_pid(std::uint64_t kept) { return static_cast<pid_t>(kept >> 32); }
std::uint32_t kept_seconds(std::uint64_t kept) { return static_cast<std::uint32_t>(kept); }

}  // namespace

InterpreterOrder::InterpreterOrder(std::span<std::atomic<std::uint64_t>> kept) : kept_(kept) {
  const std::uint32_t now = kept_seconds(kept_form(0, turned_));
  for (auto& place : kept_) {
    const std::uint64_t found = place.load(std::memory_order_relaxed);
    if (found == 0) continue;
    if (now - kept_seconds(found) <= 2 * kLifetime.count()) {
      young_[kept_pid(found)] = 1;
    } else {
      place.store(0, std::memory_order_relaxed);
    }
  }
}

void InterpreterOrder::keep(pid_t pid, Steady::time_point now) {
  if (!kept_.empty()) kept_[static_cast<std::uint32_t>(pid) % kept_.size()].store(kept_form(pid, now));
}

void InterpreterOrder::forget_taken(pid_t pid) {
  if (kept_.empty()) return;
  const std::lock_guard lock(mutex_);
  if (young_.contains(pid) || old_.contains(pid)) return;
  auto& place = kept_[static_cast<std::uint32_t>(pid) % kept_.size()];
  auto found = place.load();
  if (kept_pid(found) == pid) place.compare_exchange_strong(found, 0);
}

void InterpreterOrder::note(pid_t pid, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  unsigned& count = young_[pid];
  count = std::min(count + 1, kMostOfOne);
  keep(pid, now);
}

bool InterpreterOrder::take(pid_t pid, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  for (Counts* const counts : {&young_, &old_}) {
    const auto found = counts->find(pid);
    if (found == counts->end()) continue;
    if (--found->second == 0) counts->erase(found);
    return true;
  }
  return false;
}

bool InterpreterOrder::expects(pid_t pid, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  return young_.contains(pid) || old_.contains(pid);
}

void InterpreterOrder::forget_old(Steady::time_point now) {
  if (now - turned_ < kLifetime && young_.size() < kMost) return;
  old_ = std::exchange(young_, {});
  if (now - turned_ >= 2 * kLifetime) old_.clear();
  turned_ = now;
}

}  // namespace holdfast::gate
