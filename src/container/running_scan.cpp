#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <map>
#include <tuple>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/container/state_files.h"
#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

#include "discovery_impl.h"

namespace holdfast::container {
namespace {

constexpr const char* kRunning = "started before the service";
constexpr const char* kUnlisted = "runtime not listed";

/// When a process started, by the clock of people.
Wall::time_point started_at(std::uint64_t start_ticks) {
  timespec boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  const auto up = std::chrono::seconds(boot.tv_sec);
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return Wall::now() - up + std::chrono::seconds(start_ticks / ticks);
}

bool has_own_pid_namespace(int proc_dir) {
  const auto self = kernel::open_proc(::getpid());
  const auto ours = self ? kernel::namespace_inode(self->get(), "pid") : Result<ino_t>(self.error());
  const auto theirs = kernel::namespace_inode(proc_dir, "pid");
  return ours && theirs && *ours != *theirs;
}

/// The oldest process of each root in each mount namespace other than ours.
struct Oldest {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
};

}  // namespace

void DiscoveryImpl::scan_own_table(const std::string& exposure) {
  const auto self = kernel::open_proc(::getpid());
  const auto mounts = self ? kernel::read_mountinfo(self->get()) : Result<std::vector<kernel::Mount>>(self.error());
  if (!mounts) return problem_("the host's own mounts cannot be read: " + mounts.error().message);
  forget_unmounted();
  {
    auto devices = host_devices();
    const std::lock_guard lock(mutex_);
    host_devices_ = std::move(devices);
  }
  TableView view;
  view.proc_dir = self->get();
  view.root = own_root_.get();
  view.believe_layers = true;
  view.exposure = exposure;
  view.since = Wall::now();
  admit_table(*mounts, view);
}

void DiscoveryImpl::scan_host() { scan_own_table(kUnlisted); }

void DiscoveryImpl::scan_all() {
  scan_own_table(kRunning);
  const auto self = kernel::open_proc(::getpid());
  const auto ours = self ? kernel::namespace_inode(self->get(), "mnt") : Result<ino_t>(self.error());
  std::map<std::tuple<ino_t, dev_t, ino_t>, Oldest> roots;
  for (const auto pid : kernel::list_pids()) {
    const auto proc = kernel::open_proc(pid);
    const auto space = proc ? kernel::namespace_inode(proc->get(), "mnt") : Result<ino_t>(proc.error());
    struct stat root {};
    if (!space || (ours && *space == *ours) || ::fstatat(proc->get(), "root", &root, 0) != 0) continue;
    {
      const std::lock_guard lock(mutex_);
      if (host_devices_.contains(root.st_dev) && is_own_root(proc->get())) continue;
    }
    const auto status = kernel::read_status(proc->get());
    if (!status) continue;
    auto& oldest = roots[{*space, root.st_dev, root.st_ino}];
    if (oldest.pid == 0 || status->start_ticks < oldest.start_ticks) oldest = {pid, status->start_ticks};
  }
  for (const auto& [where, oldest] : roots) {
    if (const auto proc = kernel::open_proc(oldest.pid)) {
      scan_process(proc->get(), oldest.pid, started_at(oldest.start_ticks));
    }
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
    view.since = started;
    for (const auto& candidate : candidate_roots(*mounts)) {
      if (candidate.device == st.st_dev) admit(candidate, view);
    }
  }
  if (const auto container = to_.registry.find(st.st_dev)) {
    if (container->first_pid() == 0) on_first_exec(*container, proc_dir, pid);
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
    to_.on_unprotected(fmt::format("the container {} is not protected until it is started again: {}",
                                   id.empty() ? fmt::format("of process {}", pid) : printable(id), why));
  };
  const Caller owner{st.st_uid, proc_dir};
  if (const auto why = refuse_root(root, owner)) return refuse(*why);
  const auto key = root_key_of(root);
  if (!key) return refuse(key.error().message);
  auto container = to_.registry.find_snapshot(*key);
  if (container) return;
  auto baseline = to_.catalog.find_snapshot(root);
  if (!baseline) return refuse(baseline.error().message);
  if (!*baseline) return refuse("its root has no layers, and it was started before the service");
  container =
      std::make_shared<Container>(key->device, *key, RootKind::snapshot, std::move(*baseline), std::string(), "/");
  give_policy(container);
  {
    const std::lock_guard lock(mutex_);
    plain_roots_[container.get()] = owner.uid;
  }
  to_.registry.put_snapshot(container);
  if (const auto marked = mark_directories(*container, root, owner.uid); !marked) refuse(marked.error().message);
  if (const auto watched = watch_->add(root, container); !watched) refuse(watched.error().message);
  on_first_exec(*container, proc_dir, pid);
  expose(container, {started, Wall::now(), kRunning});
}

}  // namespace holdfast::container
