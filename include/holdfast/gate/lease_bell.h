#pragma once

#include <chrono>
#include <optional>

#include "holdfast/base/unique_fd.h"

namespace holdfast::gate {

/// What the thread that keeps leases waits for: that somebody asks to write (kernel::ReadLease's signal to the
/// process), or that another thread has work for it. Each such thread has a signal of its own, or they would take each
/// other's.
class LeaseBell {
 public:
  /// `signals`: whether the signal is blocked in every thread and ours to read (a daemon's choice, block_signals()).
  /// Without it, writers wait for the next look instead.
  LeaseBell(int signal, bool signals);

  /// Any thread.
  void ring() const;
  /// Until it rings; nothing: for as long as that takes.
  void wait(std::optional<std::chrono::milliseconds> patience) const;

 private:
  UniqueFd signals_, wake_;
};

}  // namespace holdfast::gate
