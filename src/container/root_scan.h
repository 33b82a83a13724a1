#pragma once

#include <sys/types.h>

#include <set>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/mountinfo.h"

namespace holdfast::container {

/// Mounts by which one superblock that may be a container's root can be reached, in the order to try them.
struct CandidateRoot {
  dev_t device = 0;
  bool fuse = false;                         ///< fuse-overlayfs: its own superblock, but no layers for us to read
  std::vector<const kernel::Mount*> mounts;  ///< point into the table that was scanned
};

/// Superblocks of the table that may be roots: overlays with an upper directory, and fuse-overlayfs. Each device once.
[[nodiscard]] std::vector<CandidateRoot> candidate_roots(const std::vector<kernel::Mount>& mounts);

/// Opens the root directory of a candidate through the process's root, by whichever of its mounts is not covered. The
/// descriptor pins the mount: the caller closes it before the runtime goes on. Says which mount it was.
struct OpenRoot {
  UniqueFd directory;
  const kernel::Mount* mount = nullptr;
};
[[nodiscard]] Result<OpenRoot> open_candidate(int process_root, const CandidateRoot& candidate);

/// Devices that hold the host's own system: never a container's, whatever file system they have.
[[nodiscard]] std::set<dev_t> host_devices();

}  // namespace holdfast::container
