#include "holdfast/gate/enforce.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holdfast/kernel/pidfd.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

/// Whether the process that the directory names is not reaped yet: until then its number is nobody else's.
bool still_there(int proc_dir) {
  struct stat st {};
  return ::fstatat(proc_dir, "stat", &st, 0) == 0;
}

bool send(pid_t pid, int proc_dir, int signal) {
  const auto pidfd = kernel::open_pidfd(pid);
  if (!pidfd || !still_there(proc_dir) || kernel::has_ended(pidfd->get())) return false;
  return kernel::send_signal(pidfd->get(), signal).ok();
}

}  // namespace

bool Enforcer::kill(pid_t pid, int proc_dir) const { return send(pid, proc_dir, SIGKILL); }

bool Enforcer::signal(pid_t pid, const container::Container& container, int signal) const {
  const auto proc = kernel::open_proc(pid);
  return proc && membership_.container_of(proc->get()).get() == &container && send(pid, proc->get(), signal);
}

std::size_t Enforcer::kill_all(const container::Container& container) const {
  std::size_t killed = 0;
  for (const pid_t pid : kernel::list_pids()) {
    const auto proc = kernel::open_proc(pid);
    if (!proc || membership_.container_of(proc->get()).get() != &container) continue;
    const auto mounts = kernel::namespace_inode(proc->get(), "mnt");
    // Somebody on the host who has changed his root into the container's is none of its processes.
    if (!mounts || *mounts == membership_.host_mount_namespace()) continue;
    if (kill(pid, proc->get())) ++killed;
  }
  return killed;
}

bool Enforcer::kill_with_group(pid_t pid, int proc_dir, pid_t group, const container::Container& container) const {
  // Somebody on the host may have executed a file below the container's root.
  const bool killed = membership_.container_of(proc_dir).get() == &container && kill(pid, proc_dir);
  if (group <= 1) return killed;
  if (group != pid) {
    const auto leader = kernel::open_proc(group);
    if (leader && membership_.container_of(leader->get()).get() != &container) return killed;
  }
  for (const pid_t member : kernel::list_pids()) {
    if (member != pid && ::getpgid(member) == group) (void)signal(member, container, SIGKILL);
  }
  return killed;
}

}  // namespace holdfast::gate
