#include "holdfast/gate/judge.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/gate/alert_facts.h"
#include "holdfast/gate/file_place.h"
#include "holdfast/gate/mount_of_file.h"
#include "holdfast/gate/opened_file.h"
#include "holdfast/gate/process_facts.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/pidfd.h"
#include "holdfast/kernel/proc.h"

#include "judge_case.h"

namespace holdfast::gate {
namespace {

/// The process's /proc directory, or none if it is gone. The pid alone may have been given to another process by now;
/// the pidfd knows: while it has not ended, what was opened by pid before is that process.
UniqueFd open_proc_of(const kernel::FanotifyEvent& event) {
  auto proc = kernel::open_proc(event.pid);
  if (!proc || !event.pidfd || kernel::has_ended(event.pidfd.get())) return {};
  return std::move(*proc);
}

}  // namespace

void Judge::judge(Gate& gate, const std::shared_ptr<Pending>& pending) {
  Case attempt;
  attempt.pending = pending;
  attempt.proc_dir = open_proc_of(pending->event);
  if (pending->inherited && !find_again(attempt)) return settle_lost(gate, attempt);
  attempt.container = container_of(gate, attempt);
  if (!pending->event.is_execution()) return judge_open(gate, attempt);
  if (!attempt.container) return settle_unknown(gate, attempt);
  pending->found.store(attempt.container, std::memory_order_release);
  meet(attempt);
  attempt.container->exec_count.fetch_add(1, std::memory_order_relaxed);
  attempt.policy = attempt.container->policy();
  if (attempt.policy->drift.mode == policy::Mode::off) {
    gate.answer(*pending, true);
    return;
  }
  settle(gate, attempt);
}

/// Somebody on the host who executes a file below a container's root is none of its processes.
void Judge::meet(const Case& attempt) const {
  if (!attempt.proc_dir || kernel::shares_our_root(attempt.proc_dir.get())) return;
  auto& discovery = dependencies_.discovery;
  if (attempt.container->first_pid() == 0) {
    dependencies_.seals.begin(attempt.container);
    discovery.on_first_exec(*attempt.container, attempt.proc_dir.get(), attempt.pid());
  } else {
    dependencies_.seals.meet(attempt.container);
    discovery.mounts().enter(attempt.container, attempt.proc_dir.get(), attempt.pid());
  }
}

/// An ELF file was opened that is not known to be the image's: to be mapped as a library, or only to be read.
void Judge::judge_open(Gate& gate, Case& attempt) {
  if (attempt.container) attempt.pending->found.store(attempt.container, std::memory_order_release);
  const bool ours = attempt.container && !(attempt.proc_dir && kernel::shares_our_root(attempt.proc_dir.get()));
  attempt.policy = ours ? attempt.container->policy() : nullptr;
  if (attempt.policy && attempt.policy->drift.judges_libraries()) {
    const auto look = kernel::look_at_elf(attempt.file());
    if ((!look || look->shared_object) && is_use(gate, attempt)) return settle(gate, attempt);
  }
  gate.answer(*attempt.pending, true);
}

/// False if it was opened to be written. Where somebody waits, a file that is yet to be written is empty, and was let
/// through for that; a notification may come when it is complete.
bool Judge::is_use(Gate& gate, const Case& attempt) {
  const bool written = (attempt.pending->event.mask & FAN_CLOSE_WRITE) != 0;
  struct stat st {};
  if (attempt.pending->wants_answer() || ::fstat(attempt.file(), &st) != 0) return !written;
  if (attempt.proc_dir && has_mapped(attempt.proc_dir.get(), st.st_ino)) return true;
  if (written) return false;
  if (attempt.proc_dir && has_open_for_writing(attempt.proc_dir.get(), st.st_dev, st.st_ino)) return false;
  return !was_written(gate, attempt, st);
}

/// By a writer that has closed the file by now, or has ended: that it was closed is told next, if it was not told yet.
bool Judge::was_written(Gate& gate, const Case& attempt, const struct stat& st) {
  constexpr auto kLately = std::chrono::seconds(2);
  constexpr auto kPatience = std::chrono::milliseconds(50);
  const Wall::time_point changed(std::chrono::nanoseconds(file_time(st.st_ctim)));
  const auto end = Wall::now() - changed < kLately ? Steady::now() + kPatience : Steady::now();
  for (;;) {
    if (gate.has_written(attempt.pid(), st.st_dev, st.st_ino, attempt.pending->arrived)) return true;
    if (Steady::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// Whether a loader was executed itself, and what there is to say about its order (see InterpreterOrder).
bool Judge::executed_itself(Gate& gate, const Case& attempt) {
  if (!attempt.exam.elf) return false;
  const auto role = attempt.exam.elf->role;
  const bool dynamic = role == kernel::ElfRole::program_dynamic;
  attempt.pending->may_be_dynamic.store(dynamic);
  if (!attempt.pending->wants_answer() && !dynamic) (void)gate.interpreters().take(attempt.pid());  // noted on arrival
  if (role != kernel::ElfRole::loader || gate.interpreters().take(attempt.pid())) return false;
  if (!attempt.pending->wants_answer()) return !runs_another_file(attempt);
  // The program may lie where no event comes from: then the net tells, by what the process runs in the end.
  const auto& drift = attempt.policy->drift;
  return !attempt.container->reaches_unmarked_files() &&
         drift.verdict_for(policy::Reason::fileless) == policy::Verdict::deny;
}

/// Nobody waits for a notification, so the process can be looked at: the loader is its program, or another file is,
/// whose own event did not come (a program in memory, one on a file system that is not marked).
bool Judge::runs_another_file(const Case& attempt) {
  struct stat loader {};
  if (!kernel::stat_without_asking(attempt.file(), loader)) return false;
  constexpr int kLooks = 10;  // the kernel opens the loader a moment before the process becomes what it executes
  for (int look = 0; attempt.proc_dir && look < kLooks; ++look) {
    const UniqueFd exe(::openat(attempt.proc_dir.get(), "exe", O_PATH | O_CLOEXEC));
    struct stat program {};
    if (!exe || !kernel::stat_without_asking(exe.get(), program)) return false;
    if (program.st_dev == loader.st_dev && program.st_ino == loader.st_ino) return false;
    if (program.st_dev != loader.st_dev) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return attempt.proc_dir.get() >= 0;
}

/// Sets `on_root`, too.
std::shared_ptr<container::Container> Judge::container_of(Gate& gate, Case& attempt) const {
  if (attempt.pending->container) return attempt.pending->container;  // by its root's device
  if (const auto device = superblock_device(attempt.file(), attempt.pid())) {
    if (auto found = dependencies_.registry.find(*device)) return found;
  }
  if (attempt.proc_dir) {
    if (auto snapshot = dependencies_.registry.find_snapshot_of(attempt.proc_dir.get())) {
      // Its directories were marked at the barrier; now that its mount exists, mark that, for directories yet to come.
      const UniqueFd root(::openat(attempt.proc_dir.get(), "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (root) {
        (void)gate.mark_mount(root.get(), *snapshot);
        (void)dependencies_.writers.follow_mount(root.get(), *snapshot);
      }
      attempt.on_root = lies_on_root(attempt.file(), attempt.pid(), *snapshot);
      return snapshot;
    }
    if (auto home = dependencies_.membership.container_of(attempt.proc_dir.get())) {
      attempt.on_root = lies_on_root(attempt.file(), attempt.pid(), *home);
      return home;
    }
  }
  // A process that is gone, or that has changed its root: the file tells, by the mount it was reached through.
  for (const auto& container : dependencies_.registry.all()) {
    if (!mount_of_file(attempt.file(), 0, *container)) continue;
    attempt.on_root = lies_on_root(attempt.file(), 0, *container);
    return container;
  }
  return nullptr;
}

/// An event that no container can be found for comes from a snapshot's or a volume's marks. On the host's side it is
/// none of our business; inside some container, a protected one's file might be reached by a way that we cannot follow.
void Judge::settle_unknown(Gate& gate, Case& attempt) {
  dependencies_.counters.unknown_device.fetch_add(1, std::memory_order_relaxed);
  const auto all = dependencies_.registry.all();
  const bool prevents = std::any_of(all.begin(), all.end(), [](const auto& container) {
    return container->kind() == container::RootKind::snapshot && container->mode() == policy::Mode::prevent;
  });
  // Nothing can be denied that nobody waits for: a notification comes from a container in detect mode.
  const bool allow = !attempt.pending->wants_answer() || !prevents || !attempt.proc_dir ||
                     kernel::shares_our_root(attempt.proc_dir.get());
  gate.answer(*attempt.pending, allow);
  if (allow) return;
  alert::Alert alert;
  alert.time = attempt.time;
  alert.kind = alert::Kind::service;
  alert.reason = "unattributed";
  if (attempt.proc_dir) alert.process = describe_process(attempt.proc_dir.get(), attempt.pid());
  alert.message = "denied an execution in a container that could not be found by its file or its process";
  dependencies_.alerts.push(std::move(alert));
}

/// The facts, with those that only the process and what it executed before can tell.
void Judge::look_at(Gate& gate, Case& attempt, Steady::time_point deadline) const {
  const bool execution = attempt.pending->event.is_execution();
  const ExamineOptions options{.want_hash = wants_hash(*attempt.policy),
                               .hold = execution && attempt.pending->wants_answer(),
                               .deadline = deadline,
                               .library = !execution};
  attempt.exam = attempt.on_root ? examine(*attempt.container, attempt.file(), attempt.pid(), options)
                                 : examine_elsewhere(*attempt.container, dependencies_.discovery.mounts(),
                                                     attempt.file(), attempt.pid(), options);
  if (execution) attempt.exam.facts.loader = executed_itself(gate, attempt);
  if (attempt.exam.elf && attempt.exam.elf->role == kernel::ElfRole::loader && !attempt.exam.facts.loader) {
    // As an interpreter it becomes no process's program; one that it does become is the net's.
    dependencies_.exec_log.take_back(attempt.pid(), attempt.pending->device, attempt.pending->inode);
  }
  dependencies_.exception_facts.fill(attempt.exam.facts, *attempt.policy,
                                     {.container = *attempt.container,
                                      .proc_dir = attempt.proc_dir.get(),
                                      .pid = attempt.pid(),
                                      .file = attempt.file(),
                                      .waits = attempt.pending->wants_answer(),
                                      .deadline = deadline});
}

void Judge::settle(Gate& gate, Case& attempt) {
  const auto deadline = attempt.pending->wants_answer() ? attempt.pending->deadline : Steady::now() + gate.deadline();
  look_at(gate, attempt, deadline);
  gate.let_others_run(*attempt.pending);
  if (attempt.exam.timed_out && attempt.pending->wants_answer()) {
    // Not everything that the verdict needs is known: the administrator's answer, not a guess.
    gate.answer_by_deadline(*attempt.pending);
    report_missed_deadline(attempt);
    return;
  }
  attempt.decision = verdict::decide(attempt.exam.facts, *attempt.policy, now_seconds());
  const auto& decision = attempt.decision;
  if (decision.verdict != policy::Verdict::allow && attempt.proc_dir) {
    // Read while the process still waits: once it is answered it may be gone.
    attempt.group = ::getpgid(attempt.pid());
    attempt.process = describe_process(attempt.proc_dir.get(), attempt.pid());
    gate.let_others_run(*attempt.pending);
    attempt.ancestors =
        describe_ancestors(attempt.proc_dir.get(), attempt.process.ppid.value_or(0), attempt.container->first_pid());
    gate.let_others_run(*attempt.pending);
  }
  if (decision.runs() && attempt.pending->wants_answer()) keep_leases(gate, attempt);
  attempt.exam.overlay_lease.reset();
  attempt.exam.upper_lease.reset();
  gate.answer(*attempt.pending, decision.runs());
  if (!decision.runs() && !attempt.pending->allowed.load()) punish(attempt);

  conclude(attempt);
}

/// What is counted and told, once the answer is given.
void Judge::conclude(Case& attempt) const {
  auto& counters = dependencies_.counters;
  const auto& decision = attempt.decision;
  if (!decision.rule.empty()) dependencies_.rule_use.count(attempt.policy->name, decision.rule);
  if (attempt.pending->deadline_missed.load()) report_missed_deadline(attempt);
  if (!decision.reason || attempt.pending->told) return;
  const policy::Mode mode = attempt.policy->drift.mode;
  if (decision.verdict == policy::Verdict::allow) {
    counters.allowed.count(*decision.reason, mode);
    return;
  }
  (attempt.pending->allowed.load() ? counters.alerted : counters.denied).count(*decision.reason, mode);
  attempt.container->drift_count.fetch_add(1, std::memory_order_relaxed);
  if (attempt.pending->event.is_execution()) dependencies_.exec_log.tell(attempt.pid());
  report(attempt);
}

/// After the answer, and after its facts were read: the process may be gone the next moment.
void Judge::punish(const Case& attempt) const {
  const auto action = attempt.policy->drift.action;
  dependencies_.sanctions.impose(attempt.container, action);
  if (action != policy::Drift::Action::kill || !attempt.proc_dir) return;
  dependencies_.enforcer.kill_with_group(attempt.pid(), attempt.proc_dir.get(), attempt.group, *attempt.container);
}

void Judge::keep_leases(Gate& gate, Case& attempt) {
  struct stat st {};
  if (!attempt.exam.overlay_lease || ::fstat(attempt.file(), &st) != 0) return;
  // Its own descriptor: the event's is closed with the event, while the execution may still go on.
  UniqueFd pidfd(::fcntl(attempt.pending->event.pidfd.get(), F_DUPFD_CLOEXEC, 0));
  gate.leases().keep({std::move(attempt.exam.overlay_lease), std::move(attempt.exam.upper_lease), std::move(pidfd),
                      attempt.pid(), st.st_dev, st.st_ino, Steady::now()});
}

void Judge::report(Case& attempt) const {
  struct stat st {};
  (void)::fstat(attempt.file(), &st);
  auto report = draft_report(*attempt.container, *attempt.policy, attempt.decision, attempt.exam, st);
  report.alert.time = attempt.time;
  report.alert.verdict = attempt.pending->allowed.load() ? "allow" : "deny";
  if (!attempt.pending->allowed.load()) report.evidence = attempt.policy->drift.evidence;
  if (report.alert.file->sha256.empty() || report.evidence > 0) {
    report.file = UniqueFd(::fcntl(attempt.file(), F_DUPFD_CLOEXEC, 0));
  }
  report.alert.process = std::move(attempt.process);
  report.alert.process->pid = attempt.pid();
  report.alert.ancestors = std::move(attempt.ancestors);
  add_versions(report, *attempt.container, attempt.exam, attempt.file());
  dependencies_.reporter.push(std::move(report));
}

void Judge::report_missed_deadline(const Case& attempt) const {
  const bool allowed = attempt.pending->allowed.load();
  alert::Alert alert;
  alert.time = attempt.time;
  alert.kind = alert::Kind::service;
  alert.reason = "deadline";
  alert.mode = policy::to_string(attempt.policy->drift.mode);
  alert.policy = attempt.policy->name;
  alert.container = describe_container(*attempt.container->names());
  struct stat st {};
  (void)::fstat(attempt.file(), &st);
  alert.file = describe_file(st, attempt.exam);
  alert.message = fmt::format("a verdict took longer than the deadline: {} was {} by configuration",
                              printable(alert.file->path), allowed ? "allowed" : "denied");
  dependencies_.alerts.push(std::move(alert));
}

}  // namespace holdfast::gate
