#include "holdfast/gate/after_the_fact.h"

#include <unistd.h>

#include <algorithm>

#include "holdfast/gate/alert_facts.h"
#include "holdfast/gate/is_loader.h"

namespace holdfast::gate {

using policy::Reason;

namespace {

/// A process that may have to be killed runs meanwhile.
constexpr auto kLongestReading = std::chrono::milliseconds(50);

bool is_image_code(const container::Container& container, const struct stat& file) {
  return file.st_dev == container.device() && container.baseline()->is_image_code(identity_of(file));
}

/// Of a file of the image. A root without layers may be served by a process that never answers, so its files are not
/// read; the gate has looked at them when they were executed first.
bool runs_loader(const container::Container& container, const Identity& identity, int proc_dir) {
  const auto& baseline = *container.baseline();
  if (container.kind() == container::RootKind::overlay) return is_loader(baseline, identity, proc_dir);
  return baseline.role(identity) == kernel::ElfRole::loader;
}

}  // namespace

struct AfterTheFact::Case {
  const Unmediated& execution;
  std::shared_ptr<const policy::Policy> policy;
  RunningExamination running;
  verdict::Decision decision;
  Wall::time_point time = Wall::now();
};

bool AfterTheFact::is_plain_image_code(const container::Container& container, const struct stat& file, int proc_dir) {
  return is_image_code(container, file) && !runs_loader(container, identity_of(file), proc_dir);
}

/// The verdict is that of the facts. What they are reported as tells how the file escaped the gate, unless the facts
/// say it already.
void AfterTheFact::decide(Case& found) const {
  const auto& [pid, proc_dir, container, file] = found.execution;
  ExamineOptions options;
  options.want_hash = wants_hash(*found.policy);
  options.deadline = Steady::now() + std::min(to_.deadline, kLongestReading);
  found.running = examine_running(*container, to_.mounts, file, pid, is_memfd(file), options);
  auto& facts = found.running.exam.facts;
  facts.loader = is_image_code(*container, file.st) && runs_loader(*container, identity_of(file.st), proc_dir.get());
  to_.exception_facts.fill(
      facts, *found.policy,
      {.container = *container, .proc_dir = proc_dir.get(), .pid = pid, .deadline = options.deadline});
  found.decision = verdict::decide(facts, *found.policy, now_seconds());
  auto& reason = found.decision.reason;
  if (reason && reason != Reason::fileless && reason != Reason::loader && reason != Reason::prohibited) {
    reason = Reason::unmediated;
  }
}

bool AfterTheFact::kill(const Case& found) const {
  const auto& [pid, proc_dir, container, file] = found.execution;
  if (found.policy->drift.action == policy::Drift::Action::kill) {
    return to_.enforcer.kill_with_group(pid, proc_dir.get(), ::getpgid(pid), *container);
  }
  return to_.enforcer.kill(pid, proc_dir.get());
}

std::optional<Reporter::Report> AfterTheFact::judge(const Unmediated& execution) {
  Case found{execution, execution.container->policy(), {}, {}};
  if (found.policy->drift.mode == policy::Mode::off) return std::nullopt;
  decide(found);
  const auto& decision = found.decision;
  if (!decision.rule.empty()) to_.rule_use.count(found.policy->name, decision.rule);
  if (!decision.reason) return std::nullopt;
  if (decision.verdict == policy::Verdict::allow) {
    to_.counters.allowed.count(*decision.reason, found.policy->drift.mode);
    return std::nullopt;
  }
  // What dies with the process is read before; the rest, and every hash, after.
  const int proc_dir = execution.proc_dir.get();
  auto process = describe_process(proc_dir, execution.pid);
  const Surroundings inside = surroundings_of(proc_dir);
  const bool killed = !decision.runs() && kill(found);
  if (killed) to_.sanctions.impose(execution.container, found.policy->drift.action);

  auto report = draft_report(*execution.container, *found.policy, decision, found.running.exam, execution.file.st);
  report.alert.time = found.time;
  report.alert.verdict = killed ? "killed" : "allow";
  report.alert.file->mount = std::move(found.running.mount);
  report.alert.ancestors = describe_ancestors(inside, process.ppid.value_or(0), execution.container->first_pid());
  report.alert.process = std::move(process);
  add_versions(report, *execution.container, found.running.exam, execution.file.path.get());
  if (killed) report.evidence = found.policy->drift.evidence;
  if (report.alert.file->sha256.empty() || report.evidence > 0) report.file = std::move(found.running.file);
  if (decision.runs()) return report;
  tell(*execution.container, std::move(report));
  return std::nullopt;
}

void AfterTheFact::tell(container::Container& container, Reporter::Report report) {
  const bool killed = report.alert.verdict == "killed";
  const auto mode = policy::parse_mode(report.alert.mode).value_or(container.mode());
  if (const auto reason = policy::parse_reason(report.alert.reason)) {
    (killed ? to_.counters.killed : to_.counters.alerted).count(*reason, mode);
  }
  to_.counters.net_unmediated.fetch_add(1, std::memory_order_relaxed);
  if (killed) to_.counters.net_killed.fetch_add(1, std::memory_order_relaxed);
  container.drift_count.fetch_add(1, std::memory_order_relaxed);
  to_.reporter.push(std::move(report));
}

}  // namespace holdfast::gate
