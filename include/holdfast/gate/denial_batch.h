#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/gate/pending.h"

namespace holdfast::gate {

/// The denials of a container that rests (FairQueue), given together: every answer makes the kernel wake everybody who
/// waits for one, in whatever container, and they are a hundred in a storm (fanotify_user.c, finish_permission_event:
/// one wait queue a group). Those that the first answer has woken have not lain down again when the next ones are
/// given, so that a batch costs what one denial costs. A service that is killed leaves what it held to the next one,
/// which judges it again. Any thread.
class DenialBatch {
 public:
  /// Gives one denial. Runs on the batch's thread, or on that of the caller of `hold` or `flush`.
  using Give = std::function<void(Pending&)>;
  static constexpr std::chrono::milliseconds kHeld{50};  ///< at most, each of them

  explicit DenialBatch(Give give) : give_(std::move(give)), thread_([this] { run(); }) {}
  ~DenialBatch();
  DenialBatch(const DenialBatch&) = delete;
  DenialBatch& operator=(const DenialBatch&) = delete;

  /// For one that was claimed. Given at once after `end`.
  void hold(std::shared_ptr<Pending> pending);
  /// Gives what is held.
  void flush();
  /// Flushes, and holds nothing from then on: who waits must not be left to the end of the group, which allows.
  void end();

 private:
  void run();

  const Give give_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Pending>> held_;
  Steady::time_point due_;  ///< of the first one that is held
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace holdfast::gate
