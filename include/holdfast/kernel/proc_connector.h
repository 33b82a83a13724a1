#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// The kernel's process events (linux/cn_proc.h): every execution on the host, right after it happened (kernel fact
/// 23). Needs CAP_NET_ADMIN in the host's network and PID namespaces. One reader.
class ProcConnector {
 public:
  [[nodiscard]] static Result<ProcConnector> open();

  [[nodiscard]] int fd() const { return socket_.get(); }

  struct Batch {
    std::vector<pid_t> executed;  ///< thread group ids, oldest first
    bool lost = false;            ///< messages were dropped (ENOBUFS): scan instead
  };
  /// What has come since the last call; never blocks.
  [[nodiscard]] Result<Batch> read() const;

 private:
  explicit ProcConnector(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace holdfast::kernel
