#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "holdfast/base/clock.h"

namespace holdfast::gate {

/// What the gate has taken an event for lately, by process and file: of executions, so that the net can tell what it
/// has not; of files closed after writing, so that the judge can tell an opening for that from a use (`seen_since`). A
/// note is of one execution: it is used up by `seen`, and taken back when the execution is denied; else a process could
/// execute one file, mount another file system that gets the same device number, and execute there in the first one's
/// name. Bounded: of many notes at a time the oldest are forgotten, and their executions judged twice. Any thread;
/// never waits for slow work.
class ExecLog {
 public:
  ExecLog();

  /// Notes count so long for an execution that has just happened: the gate's answer, which comes first, may take as
  /// long as a deadline.
  static constexpr std::chrono::seconds kCounts{60};

  void note(pid_t pid, dev_t device, ino_t inode, Steady::time_point now = Steady::now());
  /// Likewise, of an execution that nobody waits for, so that its event may come long after it. False if `seen_or_tell`
  /// has found none for it, so that it has been told of: then this is no note, and nobody need tell of it again.
  [[nodiscard]] bool note_unless_told(pid_t pid, dev_t device, ino_t inode, Steady::time_point now = Steady::now());
  /// The execution was denied: there will be none that could be seen.
  void take_back(pid_t pid, dev_t device, ino_t inode);
  /// Whether there is a note of this execution; uses it up.
  [[nodiscard]] bool seen(pid_t pid, dev_t device, ino_t inode, Steady::time_point now = Steady::now());
  /// Likewise, and if there is none, the caller tells of the execution, which is remembered for an event that comes
  /// later. So each execution is told by the gate or by the net, however late one of them is.
  [[nodiscard]] bool seen_or_tell(pid_t pid, dev_t device, ino_t inode, Steady::time_point now = Steady::now());
  /// Whether there was one at any time since `start`, when the process began; for a scan, which does not know when the
  /// process executed what it runs.
  [[nodiscard]] bool seen_since(pid_t pid, dev_t device, ino_t inode, Steady::time_point start);

  /// An alert tells of something that the process has executed.
  void tell(pid_t pid);
  /// Whether one did in the last two seconds. What is executed from an overlay that was mounted in the container is the
  /// gate's by the file below the overlay, and the net's by the overlay's own: only there, a reason not to tell twice.
  [[nodiscard]] bool told(pid_t pid);

 private:
  struct Told {
    pid_t pid = 0;
    Steady::time_point at;
  };
  static constexpr std::size_t kMostTold = 256;
  struct Note {
    pid_t pid = 0;           ///< 0: free
    std::uint32_t open = 0;  ///< executions not seen yet
    std::uint32_t told = 0;  ///< executions told of whose event has not come
    dev_t device = 0;
    ino_t inode = 0;
    Steady::time_point at;  ///< of the last one
    [[nodiscard]] bool is_of(pid_t p, dev_t d, ino_t i) const { return pid == p && device == d && inode == i; }
  };
  static constexpr std::size_t kWays = 8;
  using Set = std::array<Note, kWays>;
  [[nodiscard]] static std::size_t index(pid_t pid, dev_t device, ino_t inode);
  // Under the lock:
  /// Null if there is none.
  [[nodiscard]] Note* find(pid_t pid, dev_t device, ino_t inode);
  /// In the place of the oldest in its set, if there is none; what it counts is not older than `kCounts`.
  [[nodiscard]] Note& find_or_make(pid_t pid, dev_t device, ino_t inode, Steady::time_point now);
  [[nodiscard]] bool take_open(pid_t pid, dev_t device, ino_t inode, Steady::time_point now);

  std::mutex mutex_;
  std::vector<Set> sets_;
  std::array<Told, kMostTold> told_{};  ///< a ring
  std::size_t next_told_ = 0;
};

}  // namespace holdfast::gate
