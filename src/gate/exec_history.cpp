#include "holdfast/gate/exec_history.h"

#include <algorithm>

namespace holdfast::gate {
namespace {

/// Beyond, a chain of parents is cut: it must be freed without deep recursion.
constexpr unsigned kDeepest = 32;
constexpr std::size_t kLongestExe = 1024;  // bytes
constexpr std::size_t kLongestLean = 256;  // bytes, of a program that is kept without its arguments
constexpr unsigned kMostForks = 16;        ///< without an execution in between
/// An execution is noted a moment after it happened; its own children may be forked meanwhile.
constexpr auto kLate = std::chrono::milliseconds(100);

std::size_t bytes_of(const Program& program) {
  std::size_t bytes = sizeof(Program) + program.exe.size();
  for (const auto& argument : program.cmdline) bytes += sizeof(std::string) + argument.size();
  return bytes;
}

}  // namespace

ExecHistory::ExecHistory(Limits limits) : limits_(limits), programs_(limits.sets), forks_(limits.sets) {}

ExecHistory::Shared ExecHistory::note(Program program) {
  const std::lock_guard lock(mutex_);
  program.parent = who_was(program.parent_pid, program.at, 0);
  program.depth = program.parent ? program.parent->depth + 1 : 0;
  if (program.depth >= kDeepest) {
    program.parent.reset();
    program.depth = 0;
  }
  return put(std::move(program));
}

void ExecHistory::note_unknown(pid_t pid, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  if (executed(pid) == nullptr && forked(pid) == nullptr) return;
  Program unknown;
  unknown.pid = pid;
  unknown.at = now;
  (void)put(std::move(unknown));
}

ExecHistory::Shared ExecHistory::put(Program program) {
  if (program.exe.size() > kLongestExe) {  // a path that is cut is no path to trust
    program.exe.resize(kLongestExe);
    program.device = 0;
  }
  if (bytes_->load(std::memory_order_relaxed) > limits_.bytes) {
    program.cmdline.clear();
    program.parent.reset();
    program.depth = 0;
    if (program.exe.size() > kLongestLean) {
      program.exe.resize(kLongestLean);
      program.device = 0;
    }
  }
  const std::size_t size = bytes_of(program);
  bytes_->fetch_add(size, std::memory_order_relaxed);
  Shared kept(new Program(std::move(program)), [bytes = bytes_, size](const Program* gone) {
    bytes->fetch_sub(size, std::memory_order_relaxed);
    delete gone;
  });
  auto& set = programs_[index(kept->pid)];
  auto place = std::find_if(set.begin(), set.end(), [&](const auto& one) { return one && one->pid == kept->pid; });
  if (place == set.end()) {
    place = std::min_element(set.begin(), set.end(), [](const auto& a, const auto& b) {
      return (a ? a->at : Steady::time_point()) < (b ? b->at : Steady::time_point());
    });
  }
  *place = kept;
  return kept;
}

void ExecHistory::note_forks(const std::vector<kernel::ForkEvents::Fork>& forks) {
  const std::lock_guard lock(mutex_);
  for (const auto& fork : forks) {
    auto& set = forks_[index(fork.child)];
    auto place = std::find_if(set.begin(), set.end(), [&](const auto& one) { return one.child == fork.child; });
    if (place == set.end()) {
      place = std::min_element(set.begin(), set.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    }
    *place = {fork.parent, fork.child, fork.at};
  }
}

void ExecHistory::forget_all() {
  const std::lock_guard lock(mutex_);
  programs_.assign(limits_.sets, {});
  forks_.assign(limits_.sets, {});
}

const ExecHistory::Shared* ExecHistory::executed(pid_t pid) const {
  const auto& set = programs_[index(pid)];
  const auto found = std::find_if(set.begin(), set.end(), [&](const auto& one) { return one && one->pid == pid; });
  return found == set.end() ? nullptr : &*found;
}

const ExecHistory::Forked* ExecHistory::forked(pid_t pid) const {
  const auto& set = forks_[index(pid)];
  const auto found = std::find_if(set.begin(), set.end(), [&](const auto& one) { return one.child == pid; });
  return found == set.end() ? nullptr : &*found;
}

ExecHistory::Shared ExecHistory::who(pid_t pid) {
  const std::lock_guard lock(mutex_);
  return who_was(pid, Steady::now(), 0);
}

std::vector<ExecHistory::Shared> ExecHistory::ancestors(const Shared& program) {
  std::vector<Shared> found;
  const std::lock_guard lock(mutex_);
  for (Shared at = program; at && found.size() < kDeepest;) {
    auto parent = at->parent ? at->parent : who_was(at->parent_pid, at->at, 0);
    if (parent == at) break;
    if (parent) found.push_back(parent);
    at = std::move(parent);
  }
  return found;
}

/// The last execution, unless the process was forked since: then its number was another's, and it runs what its parent
/// ran.
ExecHistory::Shared ExecHistory::who_was(pid_t pid, Steady::time_point then, unsigned level) {
  const Shared* const program = executed(pid);
  const Forked* const fork = forked(pid);
  if (program != nullptr && (fork == nullptr || fork->at <= (*program)->at)) {
    return (*program)->at <= then + kLate && !(*program)->exe.empty() ? *program : nullptr;
  }
  if (fork == nullptr || level >= kMostForks) return nullptr;
  const Forked origin = *fork;
  auto parent = who_was(origin.parent, origin.at, level + 1);
  if (!parent) return nullptr;
  Program copy = *parent;
  copy.pid = pid;
  copy.device = 0;  // what it has executed since may have been missed: no proof that it runs this program
  copy.parent_pid = origin.parent;
  copy.at = origin.at;
  copy.depth = parent->depth + 1 < kDeepest ? parent->depth + 1 : 0;
  copy.parent = copy.depth == 0 ? nullptr : std::move(parent);
  return put(std::move(copy));
}

}  // namespace holdfast::gate
