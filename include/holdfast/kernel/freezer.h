#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::kernel {

/// A cgroup's directory, where the cgroup can be frozen with everything below it: in version 1's freezer hierarchy, or
/// in the unified one (cgroups(7)).
struct Freezer {
  UniqueFd directory;
  bool unified = false;
  std::string path;  ///< of the directory, absolute
};

/// Opens the directory of the cgroup `path` (as /proc/PID/cgroup names it) in `line`'s hierarchy, by a mount table.
/// Follows no link.
[[nodiscard]] Result<Freezer> open_freezer(const std::vector<Mount>& mounts, const CgroupLine& line,
                                           const std::string& path);
/// Whether a line is of a hierarchy that could freeze.
[[nodiscard]] bool can_freeze(const CgroupLine& line);

/// The processes right in the cgroup, as the reader's PID namespace numbers them.
[[nodiscard]] Result<std::vector<pid_t>> members(const Freezer& freezer);
[[nodiscard]] bool is_frozen(const Freezer& freezer);
/// Asks for it; who is inside a system call may go on until it ends.
[[nodiscard]] Result<void> freeze(const Freezer& freezer);
/// What to tell the one who wants it to go on: a shell command.
[[nodiscard]] std::string thaw_command(const Freezer& freezer);

}  // namespace holdfast::kernel
