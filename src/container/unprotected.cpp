#include "holdfast/container/unprotected.h"

#include <sys/stat.h>

#include <algorithm>

#include "holdfast/container/state_files.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/host_namespace.h"
#include "holdfast/kernel/pidfd.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::container {
namespace {

/// From the barrier to its first process; a runtime that failed meanwhile leaves nobody.
constexpr std::chrono::seconds kGrace{60};
/// Anybody may start a container that cannot be protected; nobody reads this many.
constexpr std::size_t kMost = 1024;

struct Place {
  dev_t device = 0;
  ino_t root = 0;
  [[nodiscard]] bool is(const Unprotected& one) const {
    return device == one.device && (one.root == 0 || root == one.root);
  }
};

struct Inhabitant {
  Place place;
  pid_t pid = 0;
  std::string id;
};

/// Processes in a mount namespace of their own. A service of the host may have one, too: on the host's root, only a PID
/// namespace or a cgroup tells a container.
std::vector<Inhabitant> inhabitants() {
  std::vector<Inhabitant> out;
  const ino_t mounts = kernel::host_mount_namespace();
  const ino_t processes = kernel::own_namespace_inode("pid");
  for (const pid_t pid : kernel::list_pids()) {
    const auto proc = kernel::open_proc(pid);
    struct stat root {};
    if (!proc || !kernel::stat_without_asking(proc->get(), "root", root)) continue;
    const auto its_mounts = kernel::namespace_inode(proc->get(), "mnt");
    const auto its_processes = kernel::namespace_inode(proc->get(), "pid");
    if (!its_mounts || !its_processes || *its_mounts == mounts) continue;
    auto id = container_id_of(kernel::read_cgroup(proc->get()));
    if (kernel::shares_our_root(proc->get()) && *its_processes == processes && id.empty()) continue;
    out.push_back({{root.st_dev, root.st_ino}, pid, std::move(id)});
  }
  return out;
}

bool is_alive(const UniqueFd& process) { return process.valid() && !kernel::has_ended(process.get()); }

}  // namespace

void UnprotectedList::add(Unprotected container) {
  const std::lock_guard lock(mutex_);
  const Place place{container.device, container.root};
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) { return place.is(one.container); });
  if (known != entries_.end()) {
    known->container.why = std::move(container.why);
    if (!container.id.empty()) known->container.id = std::move(container.id);
    known->added = Steady::now();
  } else if (entries_.size() < kMost) {
    container.pid = 0;
    entries_.push_back({std::move(container), {}, Steady::now()});
  }
}

void UnprotectedList::remove(dev_t device, ino_t root) {
  const std::lock_guard lock(mutex_);
  const Place place{device, root};
  std::erase_if(entries_, [&](const Entry& one) { return place.is(one.container); });
}

std::vector<Unprotected> UnprotectedList::refresh() {
  std::vector<Unprotected> begun;
  {
    const std::lock_guard lock(mutex_);
    if (std::all_of(entries_.begin(), entries_.end(), [](const Entry& one) { return is_alive(one.process); })) {
      return begun;
    }
  }
  const auto found = inhabitants();
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](Entry& one) {
    if (is_alive(one.process)) return false;
    const auto process =
        std::find_if(found.begin(), found.end(), [&](const auto& other) { return other.place.is(one.container); });
    if (process == found.end()) return one.container.pid != 0 || Steady::now() - one.added > kGrace;
    auto pidfd = kernel::open_pidfd(process->pid);
    one.process = pidfd ? std::move(*pidfd) : UniqueFd();
    if (one.container.id.empty()) one.container.id = process->id;
    if (std::exchange(one.container.pid, process->pid) == 0) begun.push_back(one.container);
    return false;
  });
  return begun;
}

std::vector<Unprotected> UnprotectedList::all() const {
  std::vector<Unprotected> out;
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    if (entry.container.pid != 0) out.push_back(entry.container);
  }
  return out;
}

}  // namespace holdfast::container
