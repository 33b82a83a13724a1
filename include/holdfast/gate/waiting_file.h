#pragma once

#include <sys/types.h>

#include <vector>

#include "holdfast/base/unique_fd.h"

namespace holdfast::gate {

/// What a process that waits in execve(2) or open(2) asked the kernel for, found again by the call's own arguments:
/// each thread's file, followed by the interpreters that the kernel executes with it (kernel fact 6), in that order.
/// O_PATH. For events whose descriptor has been lost. Arguments lie in memory that the process's other threads can
/// write, and names can be moved: what is found proves nothing by itself. Slow path; may wait for a file system.
[[nodiscard]] std::vector<std::vector<UniqueFd>> files_waited_for(int proc_dir);

/// Opens for reading what an O_PATH descriptor names.
[[nodiscard]] UniqueFd open_again(int path_fd);

}  // namespace holdfast::gate
