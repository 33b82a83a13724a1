#pragma once

#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/lease.h"

namespace holdfast::gate {

/// Another open file description of the same file, for a lease of its own.
[[nodiscard]] Result<UniqueFd> reopen(int file);

/// The hash of a file that nobody has written meanwhile: hashed under the lease, looked at again, and the lease still
/// held (kernel facts 19 and 20). `before` is the file's identity since the lease was taken. ESTALE if it has changed,
/// ETIMEDOUT at the deadline.
[[nodiscard]] Result<Sha256> hash_unwritten(int file, const Identity& before, const kernel::ReadLease& lease,
                                            Steady::time_point deadline);

}  // namespace holdfast::gate
