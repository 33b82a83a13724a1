#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_map>

#include "holdfast/base/clock.h"

namespace holdfast::gate {

/// Tells a loader that the kernel executes for a dynamic program from one that was executed itself: the kernel asks for
/// the program first, then for its interpreter, both for the same process (kernel facts 5 and 6). Each dynamic program
/// that may run leaves an expectation; each loader that runs uses one up. Any thread; never waits for slow work.
///
/// What an expectation cannot tell is whether the program was executed at all, or only asked about (AT_EXECVE_CHECK):
/// the net sees what runs in the end.
class InterpreterOrder {
 public:
  /// `kept`: where expectations outlive the process, a place for each pid (several pids may share one: the last
  /// counts). Those that are there, and young enough, hold.
  explicit InterpreterOrder(std::span<std::atomic<std::uint64_t>> kept = {});

  /// An expectation lives at least this long, and at most twice as long.
  static constexpr std::chrono::seconds kLifetime{5};
  /// … unless so many others came after it: whoever leaves expectations on purpose drives out his own.
  static constexpr std::size_t kMost = 4096;

  void note(pid_t pid, Steady::time_point now = Steady::now());
  /// Uses up one expectation; false if there is none.
  bool take(pid_t pid, Steady::time_point now = Steady::now());
  /// What was taken has been answered: until then, the next service would need it again.
  void forget_taken(pid_t pid);
  [[nodiscard]] bool expects(pid_t pid, Steady::time_point now = Steady::now());

 private:
  using Counts = std::unordered_map<pid_t, unsigned>;
  void forget_old(Steady::time_point now);
  void keep(pid_t pid, Steady::time_point now);

  const std::span<std::atomic<std::uint64_t>> kept_;
  std::mutex mutex_;
  Counts young_, old_;
  Steady::time_point turned_ = Steady::now();
};

}  // namespace holdfast::gate
