#include "host_mounts.h"

#include <fcntl.h>
#include <poll.h>

#include <fmt/format.h>

#include "holdfast/container/mount_kind.h"
#include "holdfast/kernel/host_namespace.h"
#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::container {

HostMounts::HostMounts()
    : host_(kernel::host_mounts_pid()),
      table_(::open(fmt::format("/proc/{}/mountinfo", host_).c_str(), O_RDONLY | O_CLOEXEC)) {}

void HostMounts::refresh() {
  pollfd changed{table_.get(), POLLPRI, 0};
  // The kernel remembers for each open table what it has shown of it; poll says that, and forgets it.
  const bool same = read_ && ::poll(&changed, 1, 0) == 0;
  if (same) return;
  const auto host = kernel::open_proc(host_);
  const auto mounts = host ? kernel::read_mountinfo(host->get()) : Result<std::vector<kernel::Mount>>(host.error());
  if (!mounts) return;  // what was read last stays
  read_ = true;
  places_.clear();
  shared_memory_ = 0;
  for (const auto& mount : *mounts) {
    places_[mount.device].push_back({mount.root, mount.mount_point});
    if (mount.mount_point == "/dev/shm") shared_memory_ = mount.device;
  }
}

bool HostMounts::shows(dev_t device) {
  const std::lock_guard lock(mutex_);
  refresh();
  return places_.contains(device);
}

std::string HostMounts::path_of(dev_t device, const std::string& path) {
  const std::lock_guard lock(mutex_);
  refresh();
  const auto found = places_.find(device);
  if (found == places_.end()) return {};
  const Place* best = nullptr;
  for (const auto& place : found->second) {
    if (lies_below(path, place.root) && (best == nullptr || place.root.size() > best->root.size())) best = &place;
  }
  return best != nullptr ? rebase(path, best->root, best->mount_point) : std::string();
}

dev_t HostMounts::shared_memory() {
  const std::lock_guard lock(mutex_);
  refresh();
  return shared_memory_;
}

}  // namespace holdfast::container
