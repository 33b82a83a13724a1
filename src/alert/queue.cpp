#include "holdfast/alert/queue.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include "fold_table.h"
#include "outlet.h"

namespace holdfast::alert {
namespace {

using namespace std::chrono_literals;

constexpr auto kNoticeRetry = 1s;       ///< for losses that no alert comes after
constexpr auto kStuckAfter = 2s;        ///< a sink that takes nothing for so long will not end in time
constexpr auto kLongestFarewell = 10s;  ///< and one that takes little is not waited for much longer

struct Item {
  Alert alert;
  std::size_t bytes = 0;
  bool is_report = false;  ///< of folded attempts: already counted as such
  [[nodiscard]] std::uint64_t attempts() const { return is_report ? alert.repeats : 1; }
};

/// What the pushing threads and the queue's own share. Lives until both are done with it: a thread that hangs in a sink
/// outlives the Queue.
class State {
 public:
  State(std::vector<std::unique_ptr<Sink>> sinks, Queue::Limits limits)
      : limits_(limits), folds_(limits.fold_capacity, limits.fold_for) {
    for (auto& sink : sinks) outlets_.emplace_back(std::move(sink));
  }

  void push(Alert alert) noexcept;
  void run();
  /// False: gave up on a stuck sink; `run` ends as soon as that sink lets it.
  [[nodiscard]] bool finish();
  [[nodiscard]] QueueCounters counters() const;

 private:
  using Lock = std::unique_lock<std::mutex>;

  void enqueue_or_fold(Alert alert);
  void lose_one() noexcept;
  void queue_reports(Steady::time_point now);
  void deliver_next(Lock& lock);
  void tell_losses(Lock& lock);
  void wait_for_work(Lock& lock);
  [[nodiscard]] bool owes_notice() const;

  const Queue::Limits limits_;
  std::vector<Outlet> outlets_;  ///< the queue's thread only

  mutable std::mutex mutex_;  ///< all below; never held over a sink
  std::condition_variable work_, progress_;
  std::deque<Item> waiting_;
  std::size_t waiting_bytes_ = 0;
  FoldTable folds_;
  QueueCounters counters_;
  std::uint64_t lost_at_queue_ = 0;
  std::uint64_t steps_ = 0;  ///< grows whenever the sinks have come back
  bool stopping_ = false, abandoned_ = false, ended_ = false;
};

void State::push(Alert alert) noexcept {
  try {
    enqueue_or_fold(std::move(alert));
  } catch (...) {
    lose_one();  // no memory
  }
}

void State::lose_one() noexcept {
  const std::lock_guard lock(mutex_);
  ++counters_.accepted;
  ++counters_.lost;
  ++lost_at_queue_;
}

void State::enqueue_or_fold(Alert alert) {
  auto key = fold_key(alert);
  const std::size_t bytes = bytes_of(alert);
  const auto now = Steady::now();
  {
    const std::lock_guard lock(mutex_);
    const bool has_room = waiting_bytes_ + folds_.bytes() + bytes <= limits_.byte_capacity;
    const auto outcome = key ? folds_.fold(*key, alert, has_room) : FoldTable::Outcome::unknown;
    if (outcome == FoldTable::Outcome::folded) {
      ++counters_.accepted;
      ++counters_.folded;
      return;
    }
    if (outcome == FoldTable::Outcome::no_room || !has_room || waiting_.size() >= limits_.capacity) {
      ++counters_.accepted;
      ++counters_.lost;
      ++lost_at_queue_;
      return;
    }
    if (key) folds_.remember(*std::move(key), now);
    waiting_.push_back({std::move(alert), bytes, false});
    waiting_bytes_ += bytes;
    ++counters_.accepted;
    ++counters_.waiting;
  }
  work_.notify_one();
}

/// Reports go in beyond the capacity: each stands for an attempt that had found room, so there are never more of them
/// than attempts remembered.
void State::queue_reports(Steady::time_point now) {
  for (Alert& report : folds_.take_ended(now)) {
    const std::size_t bytes = bytes_of(report);
    waiting_.push_back({std::move(report), bytes, true});
    waiting_bytes_ += bytes;
  }
}

void State::deliver_next(Lock& lock) {
  const Item item = std::move(waiting_.front());
  waiting_.pop_front();
  const std::uint64_t lost_at_queue = lost_at_queue_;
  lock.unlock();
  bool everywhere = true;
  for (Outlet& outlet : outlets_) everywhere = outlet.write(item.alert, item.attempts(), lost_at_queue) && everywhere;
  lock.lock();
  waiting_bytes_ -= item.bytes;
  if (!item.is_report) --counters_.waiting;
  if (everywhere && !item.is_report) ++counters_.delivered;
  if (!everywhere) counters_.lost += item.attempts();
  if (!everywhere && item.is_report) counters_.folded -= item.attempts();
}

bool State::owes_notice() const {
  return std::any_of(outlets_.begin(), outlets_.end(),
                     [&](const Outlet& outlet) { return outlet.owes_notice(lost_at_queue_); });
}

void State::tell_losses(Lock& lock) {
  const std::uint64_t lost_at_queue = lost_at_queue_;
  lock.unlock();
  for (Outlet& outlet : outlets_) static_cast<void>(outlet.tell_losses(lost_at_queue));  // failed: owed still
  lock.lock();
}

void State::wait_for_work(Lock& lock) {
  auto until = folds_.next_end();
  if (owes_notice()) {
    const auto retry = Steady::now() + kNoticeRetry;
    until = until ? std::min(*until, retry) : retry;
  }
  if (until) {
    work_.wait_until(lock, *until);
  } else {
    work_.wait(lock);
  }
}

void State::run() {
  Lock lock(mutex_);
  while (!abandoned_) {
    const bool last_round = stopping_;
    queue_reports(last_round ? Steady::time_point::max() : Steady::now());
    if (!waiting_.empty()) {
      deliver_next(lock);
    } else {
      if (owes_notice()) tell_losses(lock);
      if (last_round) break;
      if (waiting_.empty() && !stopping_) wait_for_work(lock);
    }
    ++steps_;
    progress_.notify_all();
  }
  ended_ = true;
  progress_.notify_all();
}

bool State::finish() {
  Lock lock(mutex_);
  stopping_ = true;
  work_.notify_one();
  const auto end = Steady::now() + kLongestFarewell;
  while (!ended_) {
    const auto seen = steps_;
    const auto until = std::min(end, Steady::now() + kStuckAfter);
    if (!progress_.wait_until(lock, until, [&] { return ended_ || steps_ != seen; }) || Steady::now() >= end) break;
  }
  abandoned_ = !ended_;
  return ended_;
}

QueueCounters State::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace

class Queue::Impl {
 public:
  Impl(std::vector<std::unique_ptr<Sink>> sinks, Limits limits)
      : state_(std::make_shared<State>(std::move(sinks), limits)), thread_([state = state_] { work(*state); }) {}

  ~Impl() {
    if (state_->finish()) {
      thread_.join();
    } else {
      thread_.detach();  // keeps the state, and the sink it hangs in
    }
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] State& state() { return *state_; }

 private:
  static void work(State& state) {
    // Signals are for the service's main thread; and a sink whose reader is gone must fail with EPIPE, not kill us.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    state.run();
  }

  std::shared_ptr<State> state_;
  std::thread thread_;
};

Queue::Queue(std::vector<std::unique_ptr<Sink>> sinks, Limits limits)
    : impl_(std::make_unique<Impl>(std::move(sinks), limits)) {}

Queue::~Queue() = default;

void Queue::push(Alert alert) noexcept { impl_->state().push(std::move(alert)); }

QueueCounters Queue::counters() const { return impl_->state().counters(); }

}  // namespace holdfast::alert
