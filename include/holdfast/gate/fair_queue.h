#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "holdfast/base/clock.h"

namespace holdfast::gate {

/// A queue of queues: each key (container) gets its turn, so that one container's storm costs another one at most a
/// turn of each worker. A lane that was charged for work rests when it has had more than its share of a processor: so a
/// storm of denials does not take from others the processor's time that it costs. Unbounded by itself; the gate bounds
/// what it puts in. Any thread.
template <class Key, class Item>
class FairQueue {
 public:
  struct Pace {
    int rest = 3;                                             ///< so many times as long as the work that was charged
    Steady::duration burst = std::chrono::milliseconds(200);  ///< of rest that may be owed before it is taken
  };
  explicit FairQueue(Pace pace = {}) : pace_(pace) {}

  /// A lane's rest ends for an item that would wait beyond `latest`.
  void push(const Key& key, Item item, Steady::time_point latest = Steady::time_point::max()) {
    {
      const std::lock_guard lock(mutex_);
      auto& lane = lanes_[key];
      if (lane.empty()) turns_.push_back(key);
      lane.push_back({std::move(item), latest});
      ++size_;
    }
    ready_.notify_one();
  }

  /// Waits for the next item; empty once closed.
  [[nodiscard]] Item pop() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
      auto first = Steady::time_point::max();
      const auto now = Steady::now();
      const auto turn = std::find_if(turns_.begin(), turns_.end(), [&](const Key& key) {
        const auto due = due_of(key);
        first = std::min(first, due);
        return due <= now;
      });
      if (turn != turns_.end()) return take(turn);
      if (turns_.empty()) {
        ready_.wait(lock);
      } else {
        ready_.wait_until(lock, first);
      }
    }
    return {};
  }

  /// Work was done for an item of this lane that is to be paid for.
  void charge(const Key& key, Steady::duration work) {
    const std::lock_guard lock(mutex_);
    const auto forgiven = Steady::now() - pace_.burst;
    std::erase_if(debts_, [&](const auto& debt) { return debt.second <= forgiven; });
    auto& debt = debts_.try_emplace(key, forgiven).first->second;
    debt += work * pace_.rest;
  }

  /// Whether this lane was charged so much lately that it rests, or soon will.
  [[nodiscard]] bool is_charged(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto debt = debts_.find(key);
    return debt != debts_.end() && debt->second > Steady::now() - pace_.burst / 2;
  }

  struct Load {
    std::size_t waiting = 0;  ///< in one lane
    std::size_t lanes = 0;    ///< in which anything waits
  };
  [[nodiscard]] Load load_of(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto lane = lanes_.find(key);
    return {lane == lanes_.end() ? 0 : lane->second.size(), lanes_.size()};
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return size_;
  }

 private:
  struct Entry {
    Item item;
    Steady::time_point latest;
  };

  [[nodiscard]] Steady::time_point due_of(const Key& key) const {
    const auto debt = debts_.find(key);
    if (debt == debts_.end()) return {};
    return std::min(debt->second, lanes_.at(key).front().latest);
  }

  Item take(typename std::deque<Key>::iterator turn) {
    const Key key = *turn;
    turns_.erase(turn);
    const auto lane = lanes_.find(key);
    Item item = std::move(lane->second.front().item);
    lane->second.pop_front();
    --size_;
    if (lane->second.empty()) {
      lanes_.erase(lane);
    } else {
      turns_.push_back(key);
    }
    return item;
  }

  const Pace pace_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::map<Key, std::deque<Entry>> lanes_;
  std::map<Key, Steady::time_point> debts_;  ///< until when a lane rests
  std::deque<Key> turns_;
  std::size_t size_ = 0;
  bool closed_ = false;
};

}  // namespace holdfast::gate
