#include "memory_seal.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::container {
namespace {

constexpr const char* kConsequence = "programs in memory are killed after they have started, not denied";

/// Whether its policy denies programs in memory before they start.
bool wants_seal(const Container& container) {
  const auto policy = container.policy();
  return policy && policy->drift.mode == policy::Mode::prevent &&
         policy->drift.verdict_for(policy::Reason::fileless) == policy::Verdict::deny;
}

int level_of_host() {
  const UniqueFd directory(::open("/proc/sys/vm", O_PATH | O_DIRECTORY | O_CLOEXEC));
  constexpr std::size_t kLimit = 64;
  const auto text = kernel::read_file_at(directory.get(), "memfd_noexec", kLimit);
  return text && !text->empty() && text->front() >= '0' && text->front() <= '2' ? text->front() - '0' : 0;
}

}  // namespace

MemorySeal::MemorySeal(ino_t host_pid_namespace, Tell tell) : host_(host_pid_namespace), tell_(std::move(tell)) {}

MemorySeal::~MemorySeal() {
  for (auto& [inode, space] : spaces_) unseal(space);
}

void MemorySeal::enter(const Shared& container, int proc_dir, pid_t waiting) {
  UniqueFd handle(::openat(proc_dir, "ns/pid", O_RDONLY | O_CLOEXEC));
  struct stat st {};
  if (!handle || ::fstat(handle.get(), &st) != 0) return;  // gone
  const bool may_trace = kernel::may_trace(proc_dir);
  const std::lock_guard lock(mutex_);
  const auto home = homes_.find(container.get());
  if (home != homes_.end() && home->second != st.st_ino) remove(*container);
  auto& space = spaces_[st.st_ino];
  if (!space.handle) {
    space.inode = st.st_ino;
    space.handle = std::move(handle);
  }
  homes_[container.get()] = st.st_ino;
  space.members.try_emplace(container.get(), Member{container, {}});
  settle(space, waiting, may_trace);
}

void MemorySeal::renew(const Container& container) {
  const std::lock_guard lock(mutex_);
  if (const auto home = homes_.find(&container); home != homes_.end()) settle(spaces_[home->second], 0, true);
}

void MemorySeal::leave(const Container& container) {
  const std::lock_guard lock(mutex_);
  remove(container);
}

void MemorySeal::remove(const Container& container) {
  const auto home = homes_.find(&container);
  if (home == homes_.end()) return;
  const auto space = spaces_.find(home->second);
  homes_.erase(home);
  if (auto member = space->second.members.extract(&container)) explain(member.mapped(), {});
  if (space->second.members.empty()) {
    spaces_.erase(space);
  } else {
    settle(space->second, 0, true);
  }
}

void MemorySeal::settle(Space& space, pid_t waiting, bool may_trace) {
  const auto wants = [](const auto& one) {
    const auto container = one.second.container.lock();
    return container && wants_seal(*container);
  };
  const bool all = std::all_of(space.members.begin(), space.members.end(), wants);
  if (all && space.inode != host_ && supported_) {
    if (!space.before) seal(space, waiting, may_trace);
  } else {
    unseal(space);
    space.failure.clear();
  }
  for (auto& one : space.members) explain(one.second, wants(one) ? reason(space, all) : std::string());
}

std::string MemorySeal::reason(const Space& space, bool all) const {
  if (space.inode == host_) return fmt::format("shares the host's PID namespace: {}", kConsequence);
  if (!supported_) return fmt::format("this kernel has no vm.memfd_noexec: {}", kConsequence);
  if (!all) {
    return fmt::format("shares its PID namespace with a container that may execute programs in memory: {}",
                       kConsequence);
  }
  if (space.before) return {};
  return fmt::format("vm.memfd_noexec cannot be set in its PID namespace ({}): {}", space.failure, kConsequence);
}

/// Setting it takes a process of ours in there for a moment. Who can trace that one has the host: then better not.
void MemorySeal::seal(Space& space, pid_t waiting, bool may_trace) {
  const bool alone = waiting != 0 && !may_trace && space.members.size() == 1;
  if (!alone && kernel::has_tracer(space.inode, waiting)) {
    space.failure = "a process with CAP_SYS_PTRACE runs there already";
    return;
  }
  const auto before = kernel_.set_memfd_noexec(space.handle.get(), kernel::kMemfdNeverExecutable);
  if (!before) {
    space.failure = before.error().message;
    return;
  }
  space.failure.clear();
  // Sealed before its first process ran, so by whom? By a service that was killed: a new namespace has its parent's.
  const bool left_behind = waiting == 0 && *before == kernel::kMemfdNeverExecutable;
  space.before = left_behind ? level_of_host() : *before;
}

void MemorySeal::unseal(Space& space) {
  if (!space.before) return;
  const auto put_back = [&]() -> Result<int> {
    if (kernel::has_tracer(space.inode, 0)) return Error{EPERM, "a process with CAP_SYS_PTRACE runs there"};
    return kernel_.set_memfd_noexec(space.handle.get(), *space.before);
  };
  const auto done = put_back();
  space.before.reset();
  if (done || done.error().code == ENOMEM) return;  // ENOMEM: nobody lives there any more
  for (const auto& [address, member] : space.members) {
    const auto container = member.container.lock();
    if (!container) continue;
    tell_.problem(
        fmt::format("the kernel goes on refusing programs in memory to container {} until it is started again:"
                    " vm.memfd_noexec cannot be put back: {}",
                    printable(container->names()->id), done.error().message));
  }
}

void MemorySeal::explain(Member& member, const std::string& why) {
  const auto container = member.container.lock();
  if (!container || member.why == why) return;
  if (!member.why.empty()) container->end_exposure(member.why);
  member.why = why;
  if (!why.empty() && container->begin_exposure(why)) tell_.exposure(container, why);
}

}  // namespace holdfast::container
