#pragma once

#include "holdfast/baseline/catalog.h"

#include "capture_context.h"
#include "identity_table.h"

namespace holdfast::baseline {

struct HashAllRules {
  HashRules each;
  unsigned threads = 0;           ///< 0: one per core
  std::uint64_t file_system = 0;  ///< for the cache, see LayerFacts
};

/// Reads all code of `table` below `root` now, with threads of its own at normal priority, past the cache. A file that
/// cannot be read is left without a hash. `progress` is called from the caller's thread. ECANCELED if it says so, or
/// if the catalog ends.
[[nodiscard]] Result<void> hash_all(int root, IdentityTable& table, const HashAllRules& rules, CaptureContext& context,
                                    const Catalog::Progress& progress);

}  // namespace holdfast::baseline
