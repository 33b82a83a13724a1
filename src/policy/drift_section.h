#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

#include "ini.h"

namespace holdfast::policy {

/// [Drift], which holdfast.conf and policies share.
[[nodiscard]] Result<Drift> parse_drift(const Section& section, const std::string& file);

/// "allow" or "deny", as OnDeadline asks for; else the complaint.
[[nodiscard]] std::optional<std::string> take_deadline_answer(std::string_view value, std::optional<Verdict>& answer);

/// A complaint about something that interface.md promises and this version does not do.
[[nodiscard]] std::string not_supported(std::string_view what, std::string_view right);

}  // namespace holdfast::policy
