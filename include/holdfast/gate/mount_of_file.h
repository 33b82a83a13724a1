#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/container/container.h"
#include "holdfast/kernel/mountinfo.h"

namespace holdfast::gate {

/// The mount that an open file was reached through.
struct FileMount {
  kernel::Mount mount;
  /// Absolute, in the mount's superblock; nothing if the file is unlinked.
  std::optional<std::string> in_superblock;
};

/// Looks for the mount of an open file (O_PATH will do) in the mount tables of the process that named it and of the
/// container's first process. Nothing for a detached mount, which is in no table. Reads /proc, never the file.
[[nodiscard]] std::optional<FileMount> mount_of_file(int file, pid_t pid, const container::Container& container);

// What file_place.h is made of, too.

/// The mount id of an open file, as mountinfo numbers it; -1 if the kernel does not say.
[[nodiscard]] int mount_id_of(int file);
/// The path that the kernel gives for an open file: through all mounts of the file's own namespace (d_path).
[[nodiscard]] std::string shown_path(int file);
/// Empty if the process is gone.
[[nodiscard]] std::vector<kernel::Mount> mounts_of(pid_t pid);
[[nodiscard]] const kernel::Mount* find_mount(const std::vector<kernel::Mount>& mounts, int id);
/// A shown path below that mount as a path in its superblock.
[[nodiscard]] std::optional<std::string> strip_mount(const kernel::Mount& mount, std::string_view shown);

}  // namespace holdfast::gate
