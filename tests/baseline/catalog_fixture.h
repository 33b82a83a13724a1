#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "holdfast/baseline/catalog.h"

#include "temp_tree.h"

namespace holdfast::test {

/// Later than any test takes.
inline Steady::time_point soon() { return Steady::now() + std::chrono::seconds(60); }

inline std::unique_ptr<baseline::Catalog> open_catalog(const TempTree& tree,
                                                       std::function<void(const std::string&)> on_problem = {}) {
  return baseline::Catalog::open({tree / "baseline.db", 0, std::move(on_problem)}).value();
}

inline Identity seen(const TempTree& tree, const std::string& name) { return identity_of(stat_of(tree / name)); }

}  // namespace holdfast::test
