#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "holdfast/base/sha256.h"

namespace holdfast::policy {

/// What a container's [Seal] has pinned, kept for the next service.
struct Sealed {
  /// The container's root (container::RootKey), wherever it is seen again. Without its device, which may have another
  /// number after a boot (btrfs): nobody in a container sets a birth, which has nanoseconds.
  struct Root {
    std::uint64_t inode = 0;
    std::int64_t birth = 0;  ///< nanoseconds since the epoch
    auto operator<=>(const Root&) const = default;
  } root;
  std::chrono::sys_seconds seen;       ///< when the container was last known to be there
  std::map<std::string, Sha256> pins;  ///< by path in the container's root; raw bytes
};

}  // namespace holdfast::policy
