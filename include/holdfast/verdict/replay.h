#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "holdfast/alert/read.h"
#include "holdfast/policy/policy.h"
#include "holdfast/verdict/decide.h"

namespace holdfast::verdict {

/// What one policy would decide.
struct Outcome {
  std::string policy;  ///< empty: none of the proposed ones is for the container
  policy::Mode mode = policy::Mode::detect;
  Decision decision;
  bool by_hash = false;  ///< let pass by its content: holds only if nobody could write the file then
};

/// What the proposed policies would have decided of an attempt that an alert tells of. An alert holds less than the
/// facts that were judged: what it does not tell is taken for every value that it could have, and each is decided.
struct Replayed {
  std::vector<Outcome> outcomes;    ///< one if it can be told; else all that are possible
  std::vector<std::string> untold;  ///< on what it hangs, if there are several: sentence parts
  [[nodiscard]] bool certain() const { return outcomes.size() == 1; }
};

/// Pure. The first policy whose [Match] fits is the container's, as for the service. An error if the alert is none of
/// the kind `drift`, or has no reason that is one.
[[nodiscard]] Result<Replayed> replay(const alert::Record& record, const std::vector<policy::Policy>& proposed,
                                      std::chrono::sys_seconds now);

}  // namespace holdfast::verdict
