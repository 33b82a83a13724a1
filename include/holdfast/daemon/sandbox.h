#pragma once

#include "holdfast/base/result.h"

namespace holdfast::daemon {

/// Gives up the capabilities that the service does not need, those of full root among them; keeps none that it was not
/// given. To be called before there are threads: capabilities belong to each.
[[nodiscard]] Result<void> drop_capabilities();

/// Leaves, to all threads and for good, only the system calls that the service needs: no executing of programs, no new
/// code in memory, no kernel code, no tracing, no other sockets than local ones and netlink. What is not allowed fails
/// with EPERM, and the kernel's log (audit) says so. Written from what the code needs, not from what one libc calls, so
/// that an update of the libc cannot break it.
[[nodiscard]] Result<void> enter_sandbox();

}  // namespace holdfast::daemon
