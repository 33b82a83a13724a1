#include "holdfast/kernel/host_namespace.h"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::kernel {
namespace {

constexpr pid_t kInit = 1;

/// Not our own namespace, but one that ours follows.
bool is_copy(const std::vector<Mount>& mounts) {
  // The last one is on top of the others.
  const auto root = std::find_if(mounts.rbegin(), mounts.rend(), [](const auto& m) { return m.mount_point == "/"; });
  return root != mounts.rend() && root->receives;
}

bool is_kernels(const std::string& path) {
  constexpr std::array<std::string_view, 3> kKernels = {"/dev", "/proc", "/sys"};
  return std::ranges::any_of(kKernels, [&](const auto& folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
  });
}

Result<std::vector<Mount>> own_mounts() {
  const auto self = open_proc(::getpid());
  if (!self) return self.error();
  return read_mountinfo(self->get());
}

}  // namespace

pid_t host_mounts_pid() {
  const auto mounts = own_mounts();
  if (!mounts || !is_copy(*mounts)) return ::getpid();
  const auto init = open_proc(kInit);
  return init && namespace_inode(init->get(), "mnt") && shares_our_root(init->get()) ? kInit : ::getpid();
}

ino_t host_mount_namespace() {
  const auto proc = open_proc(host_mounts_pid());
  const auto inode = proc ? namespace_inode(proc->get(), "mnt") : Result<ino_t>(proc.error());
  return inode ? *inode : 0;
}

std::vector<std::string> held_mounts(const std::vector<Mount>& mounts) {
  std::vector<std::string> held;
  if (!is_copy(mounts)) return held;
  std::map<int, bool> receives;
  for (const auto& mount : mounts) receives[mount.id] = mount.receives;
  for (const auto& mount : mounts) {
    const auto parent = receives.find(mount.parent);
    const bool follows = parent == receives.end() || parent->second;
    if (!follows && mount.mount_point != "/" && !is_kernels(mount.mount_point)) held.push_back(mount.mount_point);
  }
  std::ranges::reverse(held);
  return held;
}

Result<void> let_go_of_held_mounts() {
  const auto mounts = own_mounts();
  if (!mounts) return mounts.error();
  if (host_mounts_pid() == ::getpid()) return {};
  for (const auto& place : held_mounts(*mounts)) {
    // EINVAL: it has gone, or is covered by another one.
    if (::umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT) {
      return errno_error(fmt::format("let go of our copy of the mount at {}", printable(place)));
    }
  }
  return {};
}

}  // namespace holdfast::kernel
