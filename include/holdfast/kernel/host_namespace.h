#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/kernel/mountinfo.h"

namespace holdfast::kernel {

/// A service manager may start us in a mount namespace of our own, a copy of the host's that follows it (systemd does
/// so for ProtectSystem= and the like). What the host has mounted, and whose processes are the host's, is then said by
/// PID 1's namespace and not by ours.

/// The process to ask about the host's mounts: PID 1 if our mounts follow others' and PID 1 may be looked at; ourselves
/// otherwise.
[[nodiscard]] pid_t host_mounts_pid();
/// Inode number of that process's mount namespace; 0 if /proc does not say.
[[nodiscard]] ino_t host_mount_namespace();

/// Where `mounts`, a copy's own table, has what the host cannot unmount there: mounts on mounts that follow nobody
/// (those of Docker's and Podman's storage). What lies below /dev, /proc and /sys is left out. The last one mounted
/// comes first.
[[nodiscard]] std::vector<std::string> held_mounts(const std::vector<Mount>& mounts);
/// Lets go of them in our own namespace: otherwise each container that runs when we start would live on in it, with its
/// file system busy, after its end. Does nothing in a namespace that is not a copy. Before there are threads.
[[nodiscard]] Result<void> let_go_of_held_mounts();

}  // namespace holdfast::kernel
