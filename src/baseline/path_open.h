#pragma once

#include <string_view>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::baseline {

/// Longest path that is looked at, in bytes. Containers can make deeper trees, and the price of walking them grows with
/// the square of the depth.
inline constexpr std::size_t kMaxPath = std::size_t{64} * 1024;

/// Opens `path`, absolute or relative but always meant from `root`, without following any symlink, leaving `root` or
/// crossing into another mount. Paths beyond PATH_MAX are opened step by step; beyond kMaxPath: ENAMETOOLONG.
[[nodiscard]] Result<UniqueFd> open_beneath(int root, std::string_view path, int flags);

/// Whether an error of `open_beneath` means that no such file is there, rather than that it cannot be told.
[[nodiscard]] bool means_absent(const Error& error);

}  // namespace holdfast::baseline
