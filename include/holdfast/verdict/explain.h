#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "holdfast/policy/policy.h"
#include "holdfast/verdict/decide.h"

namespace holdfast::verdict {

/// How `decide` came from facts to its decision, for people: a sentence part a step, printable. Names exceptions that
/// would have fitted but have ended, or go by content that a writer could change.
[[nodiscard]] std::vector<std::string> explain(const Facts& facts, const policy::Policy& policy,
                                               std::chrono::sys_seconds now);

}  // namespace holdfast::verdict
