#pragma once

#include "holdfast/base/identity.h"
#include "holdfast/baseline/baseline.h"

namespace holdfast::gate {

/// Whether the image's file that a process runs is an ELF interpreter, executed itself: that of a dynamic program never
/// is what /proc/PID/exe names. `proc_dir` is the process's open /proc directory; its exe, whose identity is
/// `identity`, is read only if nobody has looked at that file before. False if it cannot be read. Never for a file on a
/// file system whose reading may block the caller.
[[nodiscard]] bool is_loader(const baseline::Baseline& baseline, const Identity& identity, int proc_dir);

}  // namespace holdfast::gate
