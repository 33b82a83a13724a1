#pragma once

#include "holdfast/base/result.h"

#include "sqlite.h"

namespace holdfast::baseline {

/// Brings a database to the schema this version knows, one step after the other, all in one transaction. Refuses what
/// is not Holdfast's, or is of a newer version, and changes nothing then.
[[nodiscard]] Result<void> migrate(Database& database);

/// The `user_version` that `migrate` leads to.
[[nodiscard]] std::int64_t newest_schema();

}  // namespace holdfast::baseline
