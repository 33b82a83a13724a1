#pragma once

#include <cstdint>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"

namespace holdfast::baseline {

/// SHA-256 of the first `size` bytes of a regular file, by pread(2) from the start. ETIMEDOUT at the deadline (looked
/// at between blocks), EIO if the file ends early.
[[nodiscard]] Result<Sha256> hash_file(int fd, std::uint64_t size, Steady::time_point deadline);

}  // namespace holdfast::baseline
