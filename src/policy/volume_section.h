#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

#include "ini.h"

namespace holdfast::policy {

/// [Volume NAME]. Whether the policy's mode can deny is not known here.
[[nodiscard]] Result<VolumeRule> parse_volume(const Section& section, const std::string& file);

}  // namespace holdfast::policy
