#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

#include "ini.h"

namespace holdfast::policy {

/// [Drift], which holdfast.conf and policies share.
[[nodiscard]] Result<Drift> parse_drift(const Section& section, const std::string& file);

/// "allow", "alert" or "deny"; else the complaint.
[[nodiscard]] std::optional<std::string> take_verdict(std::string_view value, std::optional<Verdict>& verdict);

/// "allow" or "deny", as OnDeadline asks for; else the complaint.
[[nodiscard]] std::optional<std::string> take_deadline_answer(std::string_view value, std::optional<Verdict>& answer);

/// A complaint about something that only prevent mode does.
[[nodiscard]] std::string never_applies(std::string_view what, Mode mode, std::string_view right);

}  // namespace holdfast::policy
