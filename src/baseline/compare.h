#pragma once

#include <vector>

#include "holdfast/baseline/catalog.h"

#include "identity_table.h"

namespace holdfast::baseline {

/// What differs in code, by path: content, or whether it is executable. A file that was only touched does not. Content
/// that is not known on either side counts as different if it should have been read (`after`), as equal if it never
/// was (`before`).
[[nodiscard]] std::vector<Difference> compare(const IdentityTable& before, const IdentityTable& after);

}  // namespace holdfast::baseline
