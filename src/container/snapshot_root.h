#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "holdfast/base/result.h"

namespace holdfast::container {

/// Who asks a runtime to start a container.
struct Caller {
  uid_t uid = 0;      ///< real, in the host's user namespace
  int proc_dir = -1;  ///< /proc/PID
};

/// Whether `directory` is owned by the caller: by its uid, or in a user namespace of its own by one of the uids that it
/// maps (subuids).
[[nodiscard]] bool owned_by(int directory, const Caller& caller);

/// Why a directory must not be treated as a container's root: it is the host's own, or not the caller's.
[[nodiscard]] std::optional<std::string> refuse_root(int directory, const Caller& caller);

/// Calls `visit` for `root` and every directory below it on the same file system, each open; stops at its first error.
/// With `skip_host_root`, leaves out directories that the host's root owns, and what is below them.
[[nodiscard]] Result<void> visit_directories(int root, bool skip_host_root,
                                             const std::function<Result<void>(int)>& visit);

}  // namespace holdfast::container
