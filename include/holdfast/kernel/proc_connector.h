#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// The kernel's process events (linux/cn_proc.h), executions only: every one on the host, right after it happened
/// (kernel fact 23). A socket filter drops forks and exits before they cost anything. Needs CAP_NET_ADMIN in the host's
/// network and PID namespaces. One reader.
class ProcConnector {
 public:
  /// One of several that share the executions by the processor they happen on: the lowest bits of its number must be
  /// `index`; `count`, how many there are, is a power of two, at most 256.
  struct Share {
    unsigned index = 0;
    unsigned count = 1;
  };
  [[nodiscard]] static Result<ProcConnector> open(Share share);
  [[nodiscard]] static Result<ProcConnector> open() { return open(Share()); }

  /// Readable when there is something to read.
  [[nodiscard]] int fd() const { return socket_.get(); }

  struct Batch {
    std::vector<pid_t> executed;               ///< thread group ids, oldest first
    bool lost = false;                         ///< messages were dropped (ENOBUFS): scan instead
    bool more = false;                         ///< the batch is full: read again
    std::optional<Steady::time_point> oldest;  ///< when the first of them was executed
  };
  /// Replaces `batch`, whose memory it keeps, by what has come since the last call, at most a few hundred; never
  /// blocks.
  [[nodiscard]] Result<void> read(Batch& batch) const;

 private:
  explicit ProcConnector(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace holdfast::kernel
