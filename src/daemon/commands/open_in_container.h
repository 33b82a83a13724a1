#pragma once

#include <sys/types.h>

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"

namespace holdfast::daemon {

/// A container's root directory as a process in it sees it.
struct ContainerRoot {
  UniqueFd directory;  ///< O_PATH
  pid_t pid = 0;       ///< of that process; 0: seen from the host
};

/// By way of the container's first process, the host's mounts, or any process whose root lies on the container's root
/// filesystem. An error if none of them lives.
[[nodiscard]] Result<ContainerRoot> open_root(const container::Container& container);

/// Opens a regular file for reading, at an absolute path that is looked up inside `root`: links are followed as the
/// container would, never out of it, and nothing is opened that could block or act on being opened (a FIFO, a device).
[[nodiscard]] Result<UniqueFd> open_regular(int root, const std::string& path);

}  // namespace holdfast::daemon
