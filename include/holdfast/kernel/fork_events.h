#pragma once

#include <sys/types.h>

#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// The kernel's process events, forks only: every new process on the host, with who made it. Meant to be read when the
/// answer is needed rather than when it comes: a socket that nobody polls wakes nobody, and costs a fork next to
/// nothing. Needs what ProcConnector needs. One reader.
class ForkEvents {
 public:
  [[nodiscard]] static Result<ForkEvents> open();

  struct Fork {
    pid_t parent = 0;  ///< thread group ids
    pid_t child = 0;
    Steady::time_point at;
  };
  struct Batch {
    std::vector<Fork> forks;  ///< oldest first
    bool lost = false;        ///< some were dropped
    bool more = false;        ///< the batch is full: read again
  };
  /// Replaces `batch`, whose memory it keeps; never blocks.
  [[nodiscard]] Result<void> read(Batch& batch) const;

 private:
  explicit ForkEvents(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace holdfast::kernel
