#pragma once

#include <sys/types.h>

#include <string>

#include "holdfast/container/container.h"

namespace holdfast::gate {

/// The program that a process runs, by its path in the image, if these are the image's own bytes at the image's own
/// path, told by identity: neither a file of that name that came later, nor one that was moved, deleted, touched,
/// mounted over it, or reached through another root. Empty for everything else, and for what cannot be told. `proc_dir`
/// is an open /proc/PID of `pid`. Slow path: reads /proc and the image view.
[[nodiscard]] std::string image_program(const container::Container& container, int proc_dir, pid_t pid);

}  // namespace holdfast::gate
