#pragma once

#include "holdfast/base/result.h"

namespace holdfast::daemon {

/// Gives up, for all threads and for good, what the service never needs and an attacker inside it would want: executing
/// programs, loading kernel code, tracing and rewriting other processes. Such a call fails with EPERM. Written from
/// what the code needs, not from what one libc calls, so that an update of the libc cannot break it.
[[nodiscard]] Result<void> enter_sandbox();

}  // namespace holdfast::daemon
