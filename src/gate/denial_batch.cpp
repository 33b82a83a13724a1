#include "holdfast/gate/denial_batch.h"

#include <utility>

namespace holdfast::gate {

DenialBatch::~DenialBatch() {
  end();
  thread_.join();
}

void DenialBatch::hold(std::shared_ptr<Pending> pending) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      if (held_.empty()) {
        due_ = Steady::now() + kHeld;
        wake_.notify_one();
      }
      held_.push_back(std::move(pending));
      return;
    }
  }
  give_(*pending);
}

void DenialBatch::flush() {
  std::vector<std::shared_ptr<Pending>> given;
  {
    const std::lock_guard lock(mutex_);
    given = std::exchange(held_, {});
  }
  for (const auto& pending : given) give_(*pending);
}

void DenialBatch::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_one();
  flush();
}

void DenialBatch::run() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    if (held_.empty()) {
      wake_.wait(lock);
    } else if (Steady::now() < due_) {
      wake_.wait_until(lock, due_);
    } else {
      lock.unlock();
      flush();
      lock.lock();
    }
  }
}

}  // namespace holdfast::gate
