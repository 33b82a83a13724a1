#pragma once

#include <boost/json/object.hpp>

#include "holdfast/baseline/imports.h"
#include "holdfast/daemon/commands.h"

namespace holdfast::daemon {

/// The imported baselines of this service's state directory.
[[nodiscard]] baseline::Imports imports_of(const ServiceContext& context);

/// The members of a row of `baseline list`.
[[nodiscard]] boost::json::object describe_imported(const baseline::Imported& image);

}  // namespace holdfast::daemon
