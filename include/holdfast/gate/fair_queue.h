#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace holdfast::gate {

/// A queue of queues: each key (container) gets its turn, so that one container's storm costs another one at most a
/// turn of each worker. Unbounded by itself; the gate bounds what it puts in. Any thread.
template <class Key, class Item>
class FairQueue {
 public:
  void push(const Key& key, Item item) {
    {
      const std::lock_guard lock(mutex_);
      auto& lane = lanes_[key];
      if (lane.empty()) turns_.push_back(key);
      lane.push_back(std::move(item));
      ++size_;
    }
    ready_.notify_one();
  }

  /// Waits for the next item; empty once closed.
  [[nodiscard]] Item pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || !turns_.empty(); });
    if (closed_) return {};
    const Key key = turns_.front();
    turns_.pop_front();
    const auto lane = lanes_.find(key);
    Item item = std::move(lane->second.front());
    lane->second.pop_front();
    --size_;
    if (lane->second.empty()) {
      lanes_.erase(lane);
    } else {
      turns_.push_back(key);
    }
    return item;
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
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::map<Key, std::deque<Item>> lanes_;
  std::deque<Key> turns_;
  std::size_t size_ = 0;
  bool closed_ = false;
};

}  // namespace holdfast::gate
