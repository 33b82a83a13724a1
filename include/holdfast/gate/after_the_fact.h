#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>

#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"
#include "holdfast/container/mounts.h"
#include "holdfast/gate/counters.h"
#include "holdfast/gate/enforce.h"
#include "holdfast/gate/exception_facts.h"
#include "holdfast/gate/executed_file.h"
#include "holdfast/gate/process_facts.h"
#include "holdfast/gate/reporter.h"
#include "holdfast/gate/rule_use.h"
#include "holdfast/gate/sanctions.h"
#include "holdfast/verdict/decide.h"

namespace holdfast::gate {

/// A process of a container that runs a file which the gate was not asked for.
struct Unmediated {
  pid_t pid = 0;
  UniqueFd proc_dir;  ///< an open /proc/PID
  std::shared_ptr<container::Container> container;
  ExecutedFile file;
};

/// Judges what runs already: facts, decision, and where that denies it, the process's end. Any thread.
class AfterTheFact {
 public:
  struct Dependencies {
    container::Mounts& mounts;
    Counters& counters;
    RuleUse& rule_use;
    Reporter& reporter;
    const Enforcer& enforcer;
    const ExceptionFacts& exception_facts;
    Sanctions& sanctions;
    std::chrono::milliseconds deadline;  ///< for reading files, where the verdict needs that
    dev_t memfds = 0;
  };
  explicit AfterTheFact(const Dependencies& dependencies) : to_(dependencies) {}

  /// Kills at once what must not run. Returns the report of what is not killed, if there is any: in detect mode the
  /// gate's notification may still be under way, so that the caller may want to wait before `tell`.
  [[nodiscard]] std::optional<Reporter::Report> judge(const Unmediated& execution);
  /// Counts and reports an execution that was not mediated.
  void tell(container::Container& container, Reporter::Report report);

  /// The image's own code that runs as a program, not an ELF interpreter that was executed itself. `proc_dir` is the
  /// open /proc/PID of who runs it.
  [[nodiscard]] static bool is_plain_image_code(const container::Container& container, const struct stat& file,
                                                int proc_dir);

  [[nodiscard]] bool is_memfd(const ExecutedFile& file) const {
    return file.st.st_dev == to_.memfds && file.st.st_nlink == 0;
  }

 private:
  struct Case;
  void decide(Case& found) const;
  [[nodiscard]] bool kill(const Case& found) const;

  const Dependencies to_;
};

}  // namespace holdfast::gate
