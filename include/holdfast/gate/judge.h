#pragma once

#include <memory>

#include "holdfast/alert/queue.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/counters.h"
#include "holdfast/gate/examine.h"
#include "holdfast/gate/gate.h"
#include "holdfast/gate/reporter.h"
#include "holdfast/gate/rule_use.h"
#include "holdfast/verdict/decide.h"

namespace holdfast::gate {

/// The slow path: finds the container, examines the file, decides, answers, and only then reports. Runs on the gate's
/// workers, several at a time.
class Judge {
 public:
  struct Dependencies {
    container::Registry& registry;
    container::Discovery& discovery;
    alert::Queue& alerts;
    Counters& counters;
    RuleUse& rule_use;
    std::chrono::milliseconds deadline;  ///< for notifications, which have none of the gate's
  };
  explicit Judge(Dependencies dependencies) : dependencies_(dependencies), reporter_(dependencies.alerts) {}

  void judge(Gate& gate, const std::shared_ptr<Pending>& pending);

 private:
  struct Case;  ///< one attempt while it is judged
  [[nodiscard]] std::shared_ptr<container::Container> container_of(Gate& gate, Case& attempt) const;
  void settle_unknown(Gate& gate, Case& attempt);
  void settle(Gate& gate, Case& attempt);
  static void keep_leases(Gate& gate, Case& attempt);
  void report(Case& attempt);
  void report_missed_deadline(const Case& attempt);

  const Dependencies dependencies_;
  Reporter reporter_;
};

}  // namespace holdfast::gate
