#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "holdfast/gate/gate.h"
#include "holdfast/kernel/pidfd.h"

// How a gate begins with what another one left, how it ends, and how it is told that it lives.
namespace holdfast::gate {
namespace {

/// A piece of work that takes longer has lost its thread: its deadline has passed long ago.
constexpr std::chrono::seconds kLost{20};
/// An answer that is later than this does not come by itself.
constexpr std::chrono::seconds kLateAnswer{3};

bool all_lost(const std::deque<Pulse>& pulses, Steady::duration patience) {
  return !pulses.empty() &&
         std::ranges::all_of(pulses, [&](const Pulse& pulse) { return pulse.busy_for() > patience; });
}

}  // namespace

void Gate::take_over(const std::vector<InHand>& events) {
  for (const auto& one : events) {
    auto pending = make_pending();
    pending->event.file = UniqueFd(one.number);
    pending->event.pid = one.pid;
    pending->event.mask = one.mask;
    if (auto pidfd = kernel::open_pidfd(one.pid)) pending->event.pidfd = std::move(*pidfd);
    pending->device = one.device;
    pending->inode = one.identity.inode;
    const bool barrier = one.looked_at && pending->event.is_execution() && is_runtime(one.device, one.identity.inode);
    // What was not looked at is the net's to see, too, whatever we take it for.
    if (one.looked_at && pending->event.is_execution()) {
      dependencies_.exec_log.note(one.pid, one.device, one.identity.inode);
    }
    pending->may_be_dynamic.store(!barrier);
    pending->inherited = one;
    queue(std::move(pending), barrier);
  }
  wake();  // their deadlines are to be looked at
}

/// What is in hand is answered by us, who know the files. For the rest the next service comes.
void Gate::drain() {
  auto& in_hand = dependencies_.counters.pending;
  const auto end = Steady::now() + deadline() + std::chrono::milliseconds(100);
  while (in_hand.load(std::memory_order_relaxed) != 0 && Steady::now() < end) {
    answer_overdue();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Gate::release() {
  // Nobody comes any more; then whoever waits goes on, read or not.
  group_.remove_marks();
  denials_.end();
  {
    const std::lock_guard lock(orders_);
    for (const auto* order : {&overdue_order_, &barrier_order_}) {
      for (const auto& pending : order->all()) answer(*pending, true);
    }
  }
  for (const auto& one : table_.take_over()) reply(one.number, true);
  group_.close();
}

std::optional<std::string> Gate::trouble() {
  if (failed_.load()) return "the gate has stopped";
  const auto reader = reader_.load();
  const std::uint64_t turns = reader ? reader->turns.load(std::memory_order_relaxed) : 0;
  const bool came_around = last_turn_.first != reader || last_turn_.second != turns;
  last_turn_ = {reader, turns};
  wake();  // for the next time that we are asked
  if (!came_around) return "the gate's thread does not come around";
  {
    const std::lock_guard lock(orders_);
    for (auto* order : {&overdue_order_, &barrier_order_}) {
      const auto next = order->next();
      if (next && *next + kLateAnswer < Steady::now()) return "an execution waits beyond its deadline";
    }
  }
  if (all_lost(worker_pulses_, kLost + deadline())) return "every judge is held";
  if (all_lost(barrier_pulses_, kLost + settings_.barrier_deadline)) return "every thread of the barrier is held";
  return std::nullopt;
}

}  // namespace holdfast::gate
