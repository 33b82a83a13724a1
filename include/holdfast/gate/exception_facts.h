#pragma once

#include <sys/types.h>

#include "holdfast/base/clock.h"
#include "holdfast/baseline/catalog.h"
#include "holdfast/container/container.h"
#include "holdfast/gate/seals.h"
#include "holdfast/gate/writers.h"
#include "holdfast/policy/policy.h"
#include "holdfast/verdict/facts.h"

namespace holdfast::gate {

/// Finds what exceptions ask of an execution beyond its file: Writer=, Parent=, Image= and [Seal]. Only where the
/// container's policy asks, and only of what is drift: nothing else pays. Any thread; slow path.
class ExceptionFacts {
 public:
  ExceptionFacts(const baseline::Catalog& catalog, Seals& seals, Writers& writers)
      : catalog_(catalog), seals_(seals), writers_(writers) {}

  struct Execution {
    const container::Container& container;
    int proc_dir = -1;  ///< an open /proc/PID; -1: the process is gone, or there is none
    pid_t pid = 0;
    int file = -1;  ///< the executed file, open; -1: nobody has it open
    /// The process waits for our answer, so that it still runs the program that executes the file.
    bool waits = false;
    Steady::time_point deadline = {};
  };
  void fill(verdict::Facts& facts, const policy::Policy& policy, const Execution& execution) const;

 private:
  [[nodiscard]] Trace trace(const Execution& execution, const UniqueFd& real) const;
  [[nodiscard]] std::string who_wrote(const verdict::Facts& facts, const Execution& execution) const;
  [[nodiscard]] bool is_sealed(const verdict::Facts& facts, const policy::Policy& policy,
                               const Execution& execution) const;

  const baseline::Catalog& catalog_;
  Seals& seals_;
  Writers& writers_;
};

}  // namespace holdfast::gate
