#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

#include "ini.h"

namespace holdfast::policy {

/// [Seal].
[[nodiscard]] Result<Seal> parse_seal(const Section& section, const std::string& file);

}  // namespace holdfast::policy
