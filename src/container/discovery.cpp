#include "holdfast/container/discovery.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>

#include <fmt/format.h>

#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

#include "discovery_impl.h"

namespace holdfast::container {

std::unique_ptr<Discovery> Discovery::create(Dependencies dependencies) {
  auto watch = UnmountWatch::create();
  if (!watch) throw std::runtime_error(watch.error().message);
  UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) throw std::runtime_error(errno_error("open /").message);
  return std::make_unique<DiscoveryImpl>(std::move(dependencies), std::move(*watch), std::move(root));
}

DiscoveryImpl::DiscoveryImpl(Dependencies dependencies, std::unique_ptr<UnmountWatch> watch, UniqueFd own_root)
    : to_(std::move(dependencies)),
      problem_(to_.on_problem),
      watch_(std::move(watch)),
      own_root_(std::move(own_root)),
      host_devices_(host_devices()),
      background_(to_.catalog, [this](const std::string& sentence) { problem_(sentence); }) {}

void DiscoveryImpl::set_runtimes(std::vector<std::pair<dev_t, ino_t>> runtimes) {
  const std::lock_guard lock(mutex_);
  runtimes_ = {runtimes.begin(), runtimes.end()};
}

bool DiscoveryImpl::is_own_root(int proc_dir) const {
  struct stat ours {};
  struct stat theirs {};
  return ::fstat(own_root_.get(), &ours) == 0 && ::fstatat(proc_dir, "root", &theirs, 0) == 0 &&
         ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

void DiscoveryImpl::on_runtime_exec(int proc_dir, pid_t pid) {
  const auto mounts = kernel::read_mountinfo(proc_dir);
  const UniqueFd root(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!mounts || !root) {
    // A caller that is gone by now executes nothing.
    const bool gone = !mounts && (mounts.error().code == ESRCH || mounts.error().code == ENOENT);
    if (!mounts && !gone) {
      problem_(fmt::format("the mounts of process {}, which executes a container runtime, cannot be read: {}", pid,
                           mounts.error().message));
    }
    return;
  }
  // After the table was read: what has gone since cannot be in it under a device that is known (see UnmountWatch).
  forget_unmounted();
  TableView view;
  view.proc_dir = proc_dir;
  view.root = root.get();
  view.about_to_execute = true;
  // A caller with another root is inside a container: what it shows us of layers and bundles proves nothing.
  view.believe_layers = is_own_root(proc_dir);
  admit_table(*mounts, view);
  if (view.believe_layers) follow_invocation(proc_dir, root.get());
}

void DiscoveryImpl::forget_unmounted() {
  for (const auto& container : watch_->take_gone()) {
    to_.registry.remove(container);
    const std::lock_guard lock(mutex_);
    plain_roots_.erase(container.get());
    unconfirmed_.erase(container.get());
  }
}

void DiscoveryImpl::apply_policies() {
  for (const auto& container : to_.registry.all()) {
    const auto before = container->mode();
    give_policy(container);
    // A provisional mark's kind depends on all policies, any other's on its own.
    if (container->mode() == before && !container->provisional()) continue;
    const auto root = open_root_of(*container);
    if (root) {
      mark_again(*container, root.get());
    } else {
      problem_(fmt::format("the root of container {} cannot be opened to change its mark for mode {}",
                           container->names()->id, policy::to_string(container->mode())));
    }
  }
}

}  // namespace holdfast::container
