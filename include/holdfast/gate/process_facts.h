#pragma once

#include <sys/types.h>

#include <vector>

#include "holdfast/alert/alert.h"

namespace holdfast::gate {

/// What an alert says of a process, read through its open /proc/PID; what cannot be read stays unknown.
[[nodiscard]] alert::ProcessInfo describe_process(int proc_dir, pid_t pid);

/// The ancestors of a process in a container, parent first, up to and including `last` (the container's first process).
/// Ends at the container's edge too (a process on another root, or on the host's side of the PID namespace: whoever
/// used `docker exec`), at the first ancestor that is gone, and after 32.
[[nodiscard]] std::vector<alert::ProcessInfo> describe_ancestors(int proc_dir, pid_t parent, pid_t last);

/// What tells a process inside a container from one outside.
struct Surroundings {
  dev_t root_device = 0;
  ino_t pid_namespace = 0;
};
[[nodiscard]] Surroundings surroundings_of(int proc_dir);
/// The ancestors of a process that may be gone by now, whose surroundings were read before.
[[nodiscard]] std::vector<alert::ProcessInfo> describe_ancestors(const Surroundings& inside, pid_t parent, pid_t last);

}  // namespace holdfast::gate
