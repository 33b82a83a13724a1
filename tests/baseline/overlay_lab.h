#pragma once

#include <sys/mount.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "holdfast/kernel/mount_api.h"

#include "temp_tree.h"

namespace holdfast::test {

/// Mounts an overlay as a container's would be, in a private mount namespace, and runs `work` with its mount point.
inline void with_overlay(const TempTree& tree, const std::string& options,
                         const std::function<void(const std::string& merged)>& work) {
  const std::string merged = tree.directory("merged");
  auto done = kernel::run_in_mount_namespace(-1, [&]() -> Result<void> {
    if (auto entered = kernel::enter_private_mount_namespace(); !entered) return entered;
    if (::mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) != 0) return errno_error("mount " + options);
    work(merged);
    if (::umount2(merged.c_str(), MNT_DETACH) != 0) return errno_error("umount");
    return {};
  });
  if (!done) throw std::runtime_error(done.error().message);
}

}  // namespace holdfast::test
