#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/gate/alert_facts.h"
#include "holdfast/gate/judge.h"
#include "holdfast/gate/process_facts.h"
#include "holdfast/gate/reopen.h"
#include "holdfast/gate/waiting_file.h"
#include "holdfast/kernel/elf.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/proc.h"

#include "judge_case.h"

// Events that the service before us had in hand when it ended. Their file is opened again, in the place that holds
// their number, and they are judged like any other; what cannot be opened again is denied where the container's mode is
// to prevent.
namespace holdfast::gate {

/// True if the event has its file again.
bool Judge::find_again(Case& attempt) const {
  const auto& event = *attempt.pending->inherited;
  if (!event.looked_at || !attempt.proc_dir) return false;
  auto container = dependencies_.registry.find(event.device);
  if (!container) container = dependencies_.membership.container_of(attempt.proc_dir.get());
  const auto file = reopen(event, attempt.proc_dir.get(), container.get(), attempt.pending->deadline);
  // The same number, which the kernel knows the event by.
  return file && ::dup3(file.get(), attempt.file(), O_CLOEXEC) >= 0;
}

void Judge::settle_lost(Gate& gate, Case& attempt) const {
  const auto& event = *attempt.pending->inherited;
  if (event.looked_at) attempt.container = dependencies_.registry.find(event.device);
  if (!attempt.container && attempt.proc_dir) {
    attempt.container = dependencies_.membership.container_of(attempt.proc_dir.get());
  }
  if (attempt.container) {
    attempt.policy = attempt.container->policy();
    attempt.pending->found.store(attempt.container, std::memory_order_release);
  }
  const bool allow = attempt.pending->event.is_execution() ? may_run(gate, attempt) : may_be_opened(attempt);
  gate.answer(*attempt.pending, allow);
  // Nobody is denied anything who has ended meanwhile.
  if (!attempt.pending->allowed.load() && attempt.proc_dir) report_lost(attempt);
}

bool Judge::may_run(Gate& gate, Case& attempt) const {
  if (!attempt.proc_dir) return false;
  const int proc_dir = attempt.proc_dir.get();
  const bool on_host = kernel::shares_our_root(proc_dir);
  if (!attempt.pending->inherited->looked_at) {
    for (const auto& files : files_waited_for(proc_dir)) {
      struct stat st {};
      if (!kernel::stat_without_asking(files.front().get(), st) || !gate.is_runtime(st.st_dev, st.st_ino)) continue;
      dependencies_.discovery.on_runtime_exec(proc_dir, attempt.pid());
      return true;
    }
    // The net looks at what runs in the end: it has no note of this execution.
    if (awaits_image_code(proc_dir, dependencies_.registry, attempt.pending->deadline)) return true;
  }
  if (!attempt.container) return on_host;
  return attempt.policy->drift.mode != policy::Mode::prevent;
}

/// A file that is opened is let go unless the policy denies libraries and it may be one.
bool Judge::may_be_opened(const Case& attempt) const {
  if (!attempt.proc_dir) return false;
  if (!attempt.policy || attempt.policy->drift.mode != policy::Mode::prevent) return true;
  if (attempt.policy->drift.verdict_for(policy::Reason::library) != policy::Verdict::deny) return true;
  if (attempt.pending->inherited->looked_at) return false;
  const auto waited_for = files_waited_for(attempt.proc_dir.get());
  for (const auto& files : waited_for) {
    struct stat st {};
    if (!kernel::stat_without_asking(files.front().get(), st) || !S_ISREG(st.st_mode)) return false;
    if (attempt.container->baseline()->is_image_code(identity_of(st))) continue;
    const UniqueFd file = open_again(files.front().get());
    if (!file || kernel::begins_as_elf(file.get())) return false;
  }
  return !waited_for.empty();
}

void Judge::report_lost(const Case& attempt) const {
  alert::Alert alert;
  alert.time = attempt.time;
  alert.kind = alert::Kind::service;
  alert.reason = "restart";
  alert.process = describe_process(attempt.proc_dir.get(), attempt.pid());
  if (attempt.container) {
    alert.container = describe_container(*attempt.container->names());
    alert.mode = policy::to_string(attempt.policy->drift.mode);
    alert.policy = attempt.policy->name;
  }
  alert.message = fmt::format(
      "denied {} in process {} that was in hand when the service before this one ended: the file is not found again, "
      "so "
      "that nothing proves what it is",
      attempt.pending->event.is_execution() ? "an execution" : "the opening of a file", attempt.pid());
  dependencies_.alerts.push(std::move(alert));
}

}  // namespace holdfast::gate
