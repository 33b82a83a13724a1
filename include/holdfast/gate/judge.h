#pragma once

#include <memory>

#include "holdfast/alert/queue.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/membership.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/counters.h"
#include "holdfast/gate/enforce.h"
#include "holdfast/gate/examine.h"
#include "holdfast/gate/exception_facts.h"
#include "holdfast/gate/exec_log.h"
#include "holdfast/gate/gate.h"
#include "holdfast/gate/reporter.h"
#include "holdfast/gate/rule_use.h"
#include "holdfast/gate/sanctions.h"
#include "holdfast/gate/seals.h"
#include "holdfast/gate/writers.h"
#include "holdfast/verdict/decide.h"

namespace holdfast::gate {

/// The slow path: finds the container, examines the file, decides, answers, and only then reports. Runs on the gate's
/// workers, several at a time.
class Judge {
 public:
  struct Dependencies {
    container::Registry& registry;
    container::Discovery& discovery;
    const container::Membership& membership;
    alert::Queue& alerts;
    Counters& counters;
    RuleUse& rule_use;
    ExecLog& exec_log;
    Reporter& reporter;
    Writers& writers;
    const Enforcer& enforcer;
    const ExceptionFacts& exception_facts;
    Sanctions& sanctions;
    Seals& seals;
  };
  explicit Judge(Dependencies dependencies) : dependencies_(dependencies) {}

  void judge(Gate& gate, const std::shared_ptr<Pending>& pending);

 private:
  struct Case;  ///< one attempt while it is judged
  [[nodiscard]] std::shared_ptr<container::Container> container_of(Gate& gate, Case& attempt) const;
  void settle_unknown(Gate& gate, Case& attempt);
  // judge_inherited.cpp
  [[nodiscard]] bool find_again(Case& attempt) const;
  void settle_lost(Gate& gate, Case& attempt) const;
  [[nodiscard]] bool may_run(Gate& gate, Case& attempt) const;
  [[nodiscard]] bool may_be_opened(const Case& attempt) const;
  void report_lost(const Case& attempt) const;
  void meet(const Case& attempt) const;
  void judge_open(Gate& gate, Case& attempt);
  [[nodiscard]] static bool is_use(Gate& gate, const Case& attempt);
  [[nodiscard]] static bool was_written(Gate& gate, const Case& attempt, const struct stat& st);
  static bool executed_itself(Gate& gate, const Case& attempt);
  [[nodiscard]] static bool runs_another_file(const Case& attempt);
  void look_at(Gate& gate, Case& attempt, Steady::time_point deadline) const;
  void settle(Gate& gate, Case& attempt);
  void conclude(Case& attempt) const;
  void punish(const Case& attempt) const;
  static void keep_leases(Gate& gate, Case& attempt);
  void report(Case& attempt) const;
  void report_missed_deadline(const Case& attempt) const;

  const Dependencies dependencies_;
};

}  // namespace holdfast::gate
