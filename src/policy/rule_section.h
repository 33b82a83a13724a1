#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

#include "ini.h"

namespace holdfast::policy {

/// [Match].
[[nodiscard]] Result<Match> parse_match(const Section& section, const std::string& file);
/// [Allow NAME].
[[nodiscard]] Result<Rule> parse_allow(const Section& section, const std::string& file);
/// [Deny NAME].
[[nodiscard]] Result<Rule> parse_deny(const Section& section, const std::string& file);

}  // namespace holdfast::policy
