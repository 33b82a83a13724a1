#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"

namespace holdfast::gate {

/// Where an executed file lies, in two views.
struct FilePlace {
  std::string shown;  ///< as the process sees it, mounts included; for people. " (deleted)" marks an unlinked file
  /// Absolute path inside the file's superblock, or for a snapshot inside the container's root directory: what
  /// baselines and exceptions are about, since a bind mount inside the container cannot change it. Nothing if the file
  /// is unlinked or its mount could not be found.
  std::optional<std::string> in_superblock;
};

/// Resolves the place of an open file that a process named. `pid` is looked at first, then the container's first
/// process: their mount tables are the only ones that can hold the file's mount. Slow path: reads /proc.
[[nodiscard]] FilePlace locate(int file, pid_t pid, const container::Container& container);

/// Whether an open file, unlinked or not, lies below a snapshot container's root directory, whatever root the process
/// that named it has by now. Slow path: reads /proc.
[[nodiscard]] bool lies_in_snapshot(int file, pid_t pid, const container::Container& snapshot);

/// Whether an open file lies on the container's root file system, where the image's files are.
[[nodiscard]] bool lies_on_root(int file, pid_t pid, const container::Container& container);

/// The device of the superblock that an open file lies on, by way of its mount in the process's mount table. Needed
/// where layers lie on several file systems: fstat(2) then gives a pseudo device per layer (kernel fact 18).
[[nodiscard]] std::optional<dev_t> superblock_device(int file, pid_t pid);

/// Opens the upper layer's real file behind an overlay file, from the host's side, for reading. Nothing if the upper
/// layer has no such file: the bytes are a lower layer's, which nobody in the container can write. An error if there is
/// one that is not this file (size, times and mode must agree) or cannot be looked at.
[[nodiscard]] Result<std::optional<UniqueFd>> open_upper(const container::Container& container,
                                                         const std::string& in_superblock, int file);

}  // namespace holdfast::gate
