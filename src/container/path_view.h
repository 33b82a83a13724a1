#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::container {

// Opening of paths that somebody else wrote, by openat2(2). Nothing here follows a magic link or leaves its root.

/// Opens `path` as a process with the root directory `root` would, symlinks included (RESOLVE_IN_ROOT).
[[nodiscard]] Result<UniqueFd> open_in_root(int root, const std::string& path, int flags);
/// Opens `path` below `directory` without following any symlink or crossing a mount.
[[nodiscard]] Result<UniqueFd> open_beneath(int directory, const std::string& path, int flags);
/// Opens a regular file below `directory` for reading, without waiting for anybody.
[[nodiscard]] Result<UniqueFd> open_state_file(int directory, const std::string& path);
/// Reads a regular file below `directory`, at most `limit` bytes, without waiting for anybody.
[[nodiscard]] Result<std::string> read_state_file(int directory, const std::string& path, std::size_t limit);
/// The path of an open file or directory as seen from our own mount namespace; empty if it has none there.
[[nodiscard]] std::string host_path(int fd);

}  // namespace holdfast::container
