#include "holdfast/gate/judge.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/gate/file_place.h"
#include "holdfast/gate/process_facts.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

std::chrono::sys_seconds now_seconds() { return std::chrono::floor<std::chrono::seconds>(Wall::now()); }

alert::ContainerInfo describe(const container::Names& names) {
  return {names.id, names.name, names.image, names.digest, names.runtime, names.name_space, names.pod};
}

alert::FileInfo describe(int file, const Examination& exam) {
  alert::FileInfo info;
  info.path = exam.facts.path.empty() ? exam.shown_path : exam.facts.path;
  info.layer = verdict::to_string(exam.facts.layer);
  if (exam.facts.sha256) info.sha256 = to_hex(*exam.facts.sha256);
  struct stat st {};
  if (::fstat(file, &st) == 0) {
    info.size = static_cast<std::uint64_t>(st.st_size);
    info.mode = st.st_mode;
    info.uid = st.st_uid;
    info.gid = st.st_gid;
    info.mtime = file_time(st.st_mtim);
    info.ctime = file_time(st.st_ctim);
  }
  return info;
}

/// The process's /proc directory, or none if it is gone. The pid alone may have been given to another process by now;
/// the pidfd knows: while it has not ended, what was opened by pid before is that process.
UniqueFd open_proc_of(const kernel::FanotifyEvent& event) {
  auto proc = kernel::open_proc(event.pid);
  if (!proc || !event.pidfd) return {};
  pollfd ended{event.pidfd.get(), POLLIN, 0};
  if (::poll(&ended, 1, 0) != 0) return {};
  return std::move(*proc);
}

/// Somebody on the host who executes a file below a container's root is not that container's first process.
bool lives_on_host(int proc_dir) {
  struct stat theirs {};
  struct stat ours {};
  return ::fstatat(proc_dir, "root", &theirs, 0) == 0 && ::stat("/", &ours) == 0 && theirs.st_dev == ours.st_dev &&
         theirs.st_ino == ours.st_ino;
}

}  // namespace

struct Judge::Case {
  std::shared_ptr<Pending> pending;
  UniqueFd proc_dir;
  std::shared_ptr<container::Container> container;
  std::shared_ptr<const policy::Policy> policy;
  Examination exam;
  verdict::Decision decision;
  alert::ProcessInfo process;
  std::vector<alert::ProcessInfo> ancestors;
  Wall::time_point time = Wall::now();

  [[nodiscard]] int file() const { return pending->event.file.get(); }
  [[nodiscard]] pid_t pid() const { return pending->event.pid; }
};

void Judge::judge(Gate& gate, const std::shared_ptr<Pending>& pending) {
  Case attempt;
  attempt.pending = pending;
  attempt.proc_dir = open_proc_of(pending->event);
  attempt.container = container_of(gate, attempt);
  if (!attempt.container) return settle_unknown(gate, attempt);
  if (attempt.container->first_pid() == 0 && attempt.proc_dir && !lives_on_host(attempt.proc_dir.get())) {
    dependencies_.discovery.on_first_exec(*attempt.container, attempt.proc_dir.get(), attempt.pid());
  }
  attempt.container->exec_count.fetch_add(1, std::memory_order_relaxed);
  attempt.policy = attempt.container->policy();
  if (attempt.policy->drift.mode == policy::Mode::off) {
    gate.answer(*pending, true);
    return;
  }
  settle(gate, attempt);
}

std::shared_ptr<container::Container> Judge::container_of(Gate& gate, Case& attempt) const {
  if (attempt.pending->container) return attempt.pending->container;
  if (const auto device = superblock_device(attempt.file(), attempt.pid())) {
    if (auto found = dependencies_.registry.find(*device)) return found;
  }
  if (attempt.proc_dir) {
    if (auto snapshot = dependencies_.registry.find_snapshot_of(attempt.proc_dir.get())) {
      // Its directories were marked at the barrier; now that its mount exists, mark that, for directories yet to come.
      const UniqueFd root(::openat(attempt.proc_dir.get(), "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (root) (void)gate.mark_root_mount(root.get(), *snapshot);
      return snapshot;
    }
  }
  // A process that is gone, or that has changed its root: the file tells.
  for (const auto& container : dependencies_.registry.all()) {
    if (container->kind() == container::RootKind::snapshot &&
        lies_in_snapshot(attempt.file(), attempt.pid(), *container)) {
      return container;
    }
  }
  return nullptr;
}

/// An event that no container can be found for comes from a snapshot's marks. On the host's side it is none of our
/// business; inside some container, a protected one's file might be reached by a way that we cannot follow.
void Judge::settle_unknown(Gate& gate, Case& attempt) {
  dependencies_.counters.unknown_device.fetch_add(1, std::memory_order_relaxed);
  const auto all = dependencies_.registry.all();
  const bool prevents = std::any_of(all.begin(), all.end(), [](const auto& container) {
    return container->kind() == container::RootKind::snapshot && container->mode() == policy::Mode::prevent;
  });
  // Nothing can be denied that nobody waits for: a notification comes from a container in detect mode.
  const bool allow =
      !attempt.pending->wants_answer() || !prevents || !attempt.proc_dir || lives_on_host(attempt.proc_dir.get());
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

void Judge::settle(Gate& gate, Case& attempt) {
  auto& counters = dependencies_.counters;
  const auto deadline =
      attempt.pending->wants_answer() ? attempt.pending->deadline : Steady::now() + dependencies_.deadline;
  const ExamineOptions options{wants_hash(*attempt.policy), attempt.pending->wants_answer(), deadline};
  attempt.exam = examine(*attempt.container, attempt.file(), attempt.pid(), options);
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
    attempt.process = describe_process(attempt.proc_dir.get(), attempt.pid());
    attempt.ancestors =
        describe_ancestors(attempt.proc_dir.get(), attempt.process.ppid.value_or(0), attempt.container->first_pid());
  }
  if (decision.runs() && attempt.pending->wants_answer()) keep_leases(gate, attempt);
  attempt.exam.overlay_lease.reset();
  attempt.exam.upper_lease.reset();
  gate.answer(*attempt.pending, decision.runs());

  if (!decision.rule.empty()) dependencies_.rule_use.count(attempt.policy->name, decision.rule);
  if (attempt.pending->deadline_missed.load()) report_missed_deadline(attempt);
  if (!decision.reason) return;
  const auto reason = static_cast<std::size_t>(*decision.reason);
  if (decision.verdict == policy::Verdict::allow) {
    counters.allowed[reason].fetch_add(1, std::memory_order_relaxed);
    return;
  }
  (attempt.pending->allowed.load() ? counters.alerted : counters.denied)[reason].fetch_add(1,
                                                                                           std::memory_order_relaxed);
  attempt.container->drift_count.fetch_add(1, std::memory_order_relaxed);
  report(attempt);
}

void Judge::keep_leases(Gate& gate, Case& attempt) {
  struct stat st {};
  if (!attempt.exam.overlay_lease || ::fstat(attempt.file(), &st) != 0) return;
  // Its own descriptor: the event's is closed with the event, while the execution may still go on.
  UniqueFd pidfd(::fcntl(attempt.pending->event.pidfd.get(), F_DUPFD_CLOEXEC, 0));
  gate.leases().keep({std::move(attempt.exam.overlay_lease), std::move(attempt.exam.upper_lease), std::move(pidfd),
                      attempt.pid(), st.st_dev, st.st_ino, Steady::now()});
}

void Judge::report(Case& attempt) {
  alert::Alert alert;
  alert.time = attempt.time;
  alert.kind = alert::Kind::drift;
  alert.verdict = attempt.pending->allowed.load() ? "allow" : "deny";
  alert.reason = policy::to_string(*attempt.decision.reason);
  alert.mode = policy::to_string(attempt.policy->drift.mode);
  alert.policy = attempt.policy->name;
  alert.rule = attempt.decision.rule;
  alert.container = describe(*attempt.container->names());
  alert.file = describe(attempt.file(), attempt.exam);
  Reporter::Report report;
  if (alert.file->sha256.empty()) report.file = UniqueFd(::fcntl(attempt.file(), F_DUPFD_CLOEXEC, 0));
  if (attempt.exam.image_file) {
    const auto& image = *attempt.exam.image_file;
    alert.image_file = {image.sha256 ? to_hex(*image.sha256) : std::string(), image.identity.size, image.mode};
    if (!image.sha256) report.image_file = image;
  }
  alert.process = std::move(attempt.process);
  alert.process->pid = attempt.pid();
  alert.ancestors = std::move(attempt.ancestors);
  report.alert = std::move(alert);
  report.baseline = attempt.container->baseline();
  reporter_.push(std::move(report));
}

void Judge::report_missed_deadline(const Case& attempt) {
  const bool allowed = attempt.pending->allowed.load();
  alert::Alert alert;
  alert.time = attempt.time;
  alert.kind = alert::Kind::service;
  alert.reason = "deadline";
  alert.mode = policy::to_string(attempt.policy->drift.mode);
  alert.policy = attempt.policy->name;
  alert.container = describe(*attempt.container->names());
  alert.file = describe(attempt.file(), attempt.exam);
  alert.message = fmt::format("a verdict took longer than the deadline: {} was {} by configuration",
                              printable(alert.file->path), allowed ? "allowed" : "denied");
  dependencies_.alerts.push(std::move(alert));
}

}  // namespace holdfast::gate
