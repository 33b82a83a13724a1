// What is answered, and when at the latest.

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

#include "holdfast/gate/gate.h"

namespace holdfast::gate {
namespace {

constexpr std::chrono::microseconds kInstant{50};
/// What an execution waits at most for a service that starts, however short the deadline.
constexpr std::chrono::milliseconds kStarting{10'000};

/// As far as anybody knows by now: roots without a superblock of their own are found by a worker.
std::shared_ptr<const container::Container> whose(const Pending& pending) {
  if (pending.container) return pending.container;
  return pending.found.load(std::memory_order_acquire);
}

}  // namespace

/// While the containers are being looked for, nobody can be judged yet.
Steady::time_point Gate::deadline_of(Steady::time_point arrived, bool barrier) const {
  if (barrier) return arrived + settings_.barrier_deadline;
  const std::chrono::milliseconds patience = deadline();
  return arrived + (judging_.load(std::memory_order_acquire) ? patience : std::max(patience, kStarting));
}

void Gate::answer(Pending& pending, bool allow) {
  if (!pending.claim()) return;
  const bool may_be_held = pending.wants_answer() && pending.deadline > Steady::now() + DenialBatch::kHeld;
  if (allow || !may_be_held || !is_charged(pending)) return respond(pending, allow);
  pending.allowed.store(false, std::memory_order_release);
  denials_.hold(pending.shared_from_this());
}

bool Gate::is_charged(const Pending& pending) const {
  return pending.container && queue_.is_charged(pending.container.get());
}

/// By itself the kernel takes the processor from us only when it next looks, which may be milliseconds later.
void Gate::let_others_run(const Pending& pending) const {
  if (is_charged(pending)) std::this_thread::sleep_for(kInstant);
}

void Gate::answer_overdue() {
  const auto now = Steady::now();
  const std::lock_guard lock(orders_);
  for (auto* order : {&overdue_order_, &barrier_order_}) {
    while (const auto pending = order->take_due(now)) answer_by_deadline(*pending, order == &barrier_order_);
  }
}

void Gate::answer_by_deadline(Pending& pending, bool barrier) {
  if (!pending.claim()) return;
  bool allow = barrier || answering().allow_on_deadline;
  if (const auto container = barrier ? nullptr : whose(pending)) {
    const auto own = container->policy()->drift.on_deadline;
    if (own) allow = *own == policy::Verdict::allow;
  }
  pending.deadline_missed.store(true, std::memory_order_release);
  dependencies_.counters.deadlines_missed.fetch_add(1, std::memory_order_relaxed);
  respond(pending, allow);
}

void Gate::respond(Pending& pending, bool allow) {
  pending.allowed.store(allow, std::memory_order_release);
  if (allow && pending.wants_answer() && pending.event.is_execution() && pending.may_be_dynamic.load()) {
    interpreters_.note(pending.event.pid);  // before the answer: its loader is asked for next
  }
  if (!allow && pending.event.is_execution())
    dependencies_.exec_log.take_back(pending.event.pid, pending.device, pending.inode);
  if (pending.wants_answer()) reply(pending.event.file.get(), allow);
  interpreters_.forget_taken(pending.event.pid);
  dependencies_.counters.latency.record(Steady::now() - pending.arrived);
}

int Gate::next_timeout() {
  const std::lock_guard lock(orders_);
  constexpr auto kNever = Steady::time_point::max();
  const auto next = std::min(overdue_order_.next().value_or(kNever), barrier_order_.next().value_or(kNever));
  if (next == kNever) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

/// The table last: an answer that nobody noted is refused when it is given again, one that was noted and not given is
/// waited for.
void Gate::reply(int number, bool allow) {
  (void)group_.respond(number, allow);
  table_.clear(number);
}

}  // namespace holdfast::gate
