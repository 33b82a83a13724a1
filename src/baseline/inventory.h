#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "holdfast/base/result.h"

#include "hasher.h"
#include "identity_table.h"

namespace holdfast::baseline {

struct WalkRules {
  bool all_code = false;  ///< take every regular file for code: there is no image to ask for the others' content later
  bool trust_times = true;  ///< see HashRules
};

struct Inventory {
  std::unique_ptr<IdentityTable> table;
  std::uint64_t too_deep = 0;  ///< directories not entered: their path is longer than kMaxPath
};

/// Records every regular file below `root` that may run: any x bit, or named like a shared object. Stays on the mount
/// that `root` lies on, follows no symlink, takes any byte in names, holds two descriptors at most.
/// What vanishes meanwhile is left out; any other error fails the walk: half an inventory would call image code drift.
[[nodiscard]] Result<Inventory> walk(int root, const WalkRules& rules, const StopCode& stop);

/// `*.so` or `*.so.*`.
[[nodiscard]] bool named_like_shared_object(std::string_view name);

}  // namespace holdfast::baseline
