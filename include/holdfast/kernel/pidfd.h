#pragma once

#include <sys/types.h>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// A descriptor of that very process (pidfd_open(2)): unlike its number, it never names another one. ESRCH if there is
/// none.
[[nodiscard]] Result<UniqueFd> open_pidfd(pid_t pid);

/// ESRCH if it has ended.
[[nodiscard]] Result<void> send_signal(int pidfd, int signal);

/// Whether it has ended, reaped or not. An invalid descriptor names nobody, who has not ended.
[[nodiscard]] bool has_ended(int pidfd);

/// Inode number of the process's mount namespace, without a look into /proc, whose entries for a process cost it more
/// to make and to drop than all the rest (Linux 6.11, kernel fact 24). ENOTTY or EINVAL on older kernels, ESRCH once it
/// has ended.
[[nodiscard]] Result<ino_t> mount_namespace(int pidfd);

struct ProcessOwner {
  pid_t parent = 0;  ///< thread group id
  uid_t uid = 0;     ///< real, in the host's user namespace
};
/// Likewise without a look into /proc (Linux 6.13, kernel fact 24). ENOTTY or EINVAL on older kernels.
[[nodiscard]] Result<ProcessOwner> process_owner(int pidfd);

}  // namespace holdfast::kernel
