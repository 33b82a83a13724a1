#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <map>
#include <tuple>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/container/state_files.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/host_namespace.h"
#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

#include "discovery_impl.h"

namespace holdfast::container {
namespace {

constexpr const char* kRunning = "started before the service";
constexpr const char* kUnlisted = "runtime not listed";
constexpr const char* kAbsent = "the service did not run";

bool has_own_pid_namespace(int proc_dir) {
  const auto theirs = kernel::namespace_inode(proc_dir, "pid");
  return theirs && *theirs != kernel::own_namespace_inode("pid");
}

/// The oldest process of each root in each mount namespace other than ours.
struct Oldest {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
};

}  // namespace

Container::Exposure DiscoveryImpl::exposure_since(Wall::time_point started, const std::string& why) const {
  const auto now = Wall::now();
  // The clock may have been set back.
  const auto alive = std::min(to_.last_alive, now);
  if (why == kRunning && alive > started) return {alive, now, kAbsent};
  return {started, now, why};
}

void DiscoveryImpl::scan_host_table(const std::string& exposure) {
  const auto host = kernel::open_proc(kernel::host_mounts_pid());
  const auto mounts = host ? kernel::read_mountinfo(host->get()) : Result<std::vector<kernel::Mount>>(host.error());
  if (!mounts) return problem_("the host's own mounts cannot be read: " + mounts.error().message);
  forget_unmounted();
  {
    auto devices = host_devices();
    const std::lock_guard lock(mutex_);
    host_devices_ = std::move(devices);
  }
  const UniqueFd root(::openat(host->get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  TableView view;
  view.proc_dir = host->get();
  view.root = root.valid() ? root.get() : own_root_.get();
  view.believe_layers = true;
  view.exposure = exposure;
  admit_table(*mounts, view);
}

void DiscoveryImpl::scan_host() { scan_host_table(kUnlisted); }

void DiscoveryImpl::scan_all() {
  scan_host_table(kRunning);
  const ino_t ours = kernel::host_mount_namespace();
  std::map<std::tuple<ino_t, dev_t, ino_t>, Oldest> roots;
  for (const auto pid : kernel::list_pids()) {
    const auto proc = kernel::open_proc(pid);
    const auto space = proc ? kernel::namespace_inode(proc->get(), "mnt") : Result<ino_t>(proc.error());
    struct stat root {};
    if (!space || *space == ours || !kernel::stat_without_asking(proc->get(), "root", root)) continue;
    {
      const std::lock_guard lock(mutex_);
      if (host_devices_.contains(root.st_dev) && kernel::shares_our_root(proc->get())) continue;
    }
    const auto status = kernel::read_status(proc->get());
    if (!status) continue;
    auto& oldest = roots[{*space, root.st_dev, root.st_ino}];
    if (oldest.pid == 0 || status->start_ticks < oldest.start_ticks) oldest = {pid, status->start_ticks};
  }
  for (const auto& [where, oldest] : roots) {
    if (const auto proc = kernel::open_proc(oldest.pid)) {
      scan_process(proc->get(), oldest.pid, Wall::now() - kernel::time_since_start(oldest.start_ticks));
    }
  }
  review_unprotected();
}

void DiscoveryImpl::review_unprotected() {
  for (const auto& one : to_.unprotected.refresh()) {
    to_.on_unprotected(fmt::format("the container {} is not protected: {}",
                                   one.id.empty() ? fmt::format("of process {}", one.pid) : printable(one.id),
                                   one.why));
  }
}

/// A process whose root is not the host's: a container's, if that root is a writable overlay.
void DiscoveryImpl::scan_process(int proc_dir, pid_t pid, Wall::time_point started) {
  const UniqueFd root(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat st {};
  struct statfs fs {};
  if (!root || ::fstat(root.get(), &st) != 0 || ::fstatfs(root.get(), &fs) != 0) return;
  if (fs.f_type == OVERLAYFS_SUPER_MAGIC && !still_mounted(st.st_dev)) {
    const auto mounts = kernel::read_mountinfo(proc_dir);
    if (!mounts) return;
    TableView view;
    view.proc_dir = proc_dir;
    view.root = root.get();
    view.exposure = kRunning;
    for (const auto& candidate : candidate_roots(*mounts)) {
      if (candidate.device == st.st_dev) admit(candidate, view);
    }
  }
  if (const auto container = to_.registry.find(st.st_dev)) {
    if (container->first_pid() == 0) meet(*container, proc_dir, pid, false);
    return;
  }
  if (fs.f_type != OVERLAYFS_SUPER_MAGIC) scan_directory(proc_dir, pid, root.get(), started);
}

/// A process on a plain directory: protected if its snapshot was taken when it started.
void DiscoveryImpl::scan_directory(int proc_dir, pid_t pid, int root, Wall::time_point started) {
  const auto id = container_id_of(kernel::read_cgroup(proc_dir));
  // A mere chroot on the host is no container.
  struct stat st {};
  if ((id.empty() && !has_own_pid_namespace(proc_dir)) || ::fstat(root, &st) != 0) return;
  const auto refuse = [&](const std::string& why) {
    to_.unprotected.add({id, why, st.st_dev, st.st_ino, pid, started});
  };
  const Caller owner{st.st_uid, proc_dir};
  if (const auto why = refuse_root(root, owner)) return refuse(*why);
  const auto key = root_key_of(root);
  if (!key) return refuse(key.error().message);
  auto container = to_.registry.find_snapshot(*key);
  if (container) return;
  auto baseline = to_.catalog.find_snapshot(root);
  if (!baseline) return refuse(baseline.error().message);
  if (!*baseline) return refuse("its root has no layers, and it was started before the service: start it again");
  container =
      std::make_shared<Container>(key->device, *key, RootKind::snapshot, std::move(*baseline), std::string(), "/");
  give_policy(container);
  {
    const std::lock_guard lock(mutex_);
    plain_roots_[container.get()] = owner.uid;
  }
  to_.registry.put_snapshot(container);
  finish_directory(container, root, owner.uid);
  meet(*container, proc_dir, pid, false);
  if (to_.was_marked && to_.was_marked(st.st_dev, st.st_ino)) return to_.on_container(container, {});
  expose(container, exposure_since(started, kRunning));
}

}  // namespace holdfast::container
