#pragma once

#include <sys/types.h>

#include <cstddef>

#include "holdfast/container/container.h"
#include "holdfast/container/membership.h"

namespace holdfast::gate {

/// Signals processes of containers, and nobody else's: every signal goes through a pidfd whose process was looked at.
/// Any thread.
class Enforcer {
 public:
  explicit Enforcer(const container::Membership& membership) : membership_(membership) {}

  /// SIGKILL to the process that `proc_dir`, an open /proc/PID of `pid`, names. False if it has ended already.
  bool kill(pid_t pid, int proc_dir) const;
  /// The same for it, if it is the container's, and for every process of the process group `group` that is. A group
  /// whose leader is not (somebody's shell on the host that entered the container) is left alone. `group` is what
  /// getpgid(2) gave while the process was there; it may have ended since.
  bool kill_with_group(pid_t pid, int proc_dir, pid_t group, const container::Container& container) const;

  /// Any signal to a process of the container; false if it is none, or has ended.
  bool signal(pid_t pid, const container::Container& container, int signal) const;
  /// SIGKILL to every process of the container that has a mount namespace other than the host's: how many there were.
  std::size_t kill_all(const container::Container& container) const;

 private:
  const container::Membership& membership_;
};

}  // namespace holdfast::gate
