#pragma once

#include <string>
#include <vector>

#include "holdfast/alert/read.h"
#include "holdfast/policy/reason.h"
#include "holdfast/verdict/facts.h"

namespace holdfast::verdict {

/// Facts that may have been those behind an alert.
struct PossibleFacts {
  Facts facts;
  bool path_cut = false;   ///< the path is not known whole: `facts.path` is empty
  std::string assumption;  ///< what the alert does not tell and these take for granted; empty for the first
};

/// All that an alert of drift for `reason` leaves open. Volumes are left without their mount, which no alert names.
[[nodiscard]] std::vector<PossibleFacts> possible_facts(const alert::Record& record, policy::Reason reason);

/// As alerts spell it; "" is `other`. Nothing for any other text.
[[nodiscard]] std::optional<Layer> parse_layer(std::string_view text);

}  // namespace holdfast::verdict
