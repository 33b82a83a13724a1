#include "holdfast/container/discovery.h"

#include <fcntl.h>

#include <cerrno>
#include <stdexcept>

#include <fmt/format.h>

#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

#include "discovery_impl.h"

namespace holdfast::container {
namespace {

/// Whether both ask for the same kinds of events.
bool marked_alike(const policy::Drift& before, const policy::Drift& after) {
  return before.mode == after.mode && before.judges_libraries() == after.judges_libraries();
}

}  // namespace

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
      membership_(to_.registry),
      host_devices_(host_devices()),
      mounts_({to_.marker, [this](const std::string& sentence) { problem_(sentence); }}),
      seal_(membership_.host_pid_namespace(),
            {[this](const auto& container, const auto& why) { to_.on_container(container, why); },
             [this](const auto& sentence) { problem_(sentence); }}),
      background_(to_.catalog, [this](const std::string& sentence) { problem_(sentence); }) {}

void DiscoveryImpl::set_runtimes(std::vector<std::pair<dev_t, ino_t>> runtimes) {
  const std::lock_guard lock(mutex_);
  runtimes_ = {runtimes.begin(), runtimes.end()};
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
  view.believe_layers = kernel::shares_our_root(proc_dir);
  admit_table(*mounts, view);
  if (view.believe_layers) follow_invocation(proc_dir, root.get());
}

void DiscoveryImpl::forget_unmounted() {
  // Whoever returns from here knows that what another has taken from the watch is forgotten, too.
  const std::lock_guard forgetting(forgetting_);
  for (const auto& container : watch_->take_gone()) {
    to_.registry.remove(container);
    mounts_.forget(*container);
    seal_.leave(*container);
    const std::lock_guard lock(mutex_);
    plain_roots_.erase(container.get());
    unconfirmed_.erase(container.get());
  }
}

void DiscoveryImpl::apply_policies() {
  // One after the other: a mark must not be set for a mode that another call has changed meanwhile.
  const std::lock_guard lock(applying_);
  for (const auto& container : to_.registry.all()) {
    const auto before = container->policy();
    give_policy(container);
    // A provisional mark's kind depends on all policies, any other's on its own.
    if (before && marked_alike(before->drift, container->policy()->drift) && !container->provisional()) continue;
    mounts_.mark_again(*container);
    const auto root = open_root_of(*container);
    if (root) {
      mark_again(container, root.get());
    } else {
      problem_(fmt::format("the root of container {} cannot be opened to change its mark for mode {}",
                           container->names()->id, policy::to_string(container->mode())));
    }
  }
}

}  // namespace holdfast::container
