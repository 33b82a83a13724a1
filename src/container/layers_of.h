#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/layers.h"
#include "holdfast/container/container.h"
#include "holdfast/kernel/mountinfo.h"

namespace holdfast::container {

/// From where an overlay's layers are looked for.
struct LayerSources {
  int own_root = -1;  ///< our own "/"
  /// The mounter's "/" and /proc/PID; -1 where its view must not be believed: a container's own process could show us
  /// any tree it likes.
  int process_root = -1;
  int proc_dir = -1;
};

struct FoundLayers {
  baseline::Layers layers;
  UniqueFd upper;  ///< O_PATH
  std::string
      upper_path;  ///< absolute, as seen from our mount namespace, or from the mounter's if ours does not see it
  RootKey key;     ///< of the upper directory
  bool in_our_namespace = true;
};

/// Opens the upper and the lower directories that an overlay's mount options name. Relative names are resolved against
/// the directory in which all of them exist: an ancestor of the upper directory or of the mount point (runtimes.md).
/// Docker's per-container "-init" layer is left out, so that the containers of one image share its baseline.
[[nodiscard]] Result<FoundLayers> find_layers(const kernel::OverlayOptions& options, const std::string& mount_point,
                                              const LayerSources& sources);

/// Opens the upper directory alone, and fills in everything but `layers`: enough to recognise a container.
[[nodiscard]] Result<FoundLayers> find_upper(const kernel::OverlayOptions& options, const std::string& mount_point,
                                             const LayerSources& sources);

}  // namespace holdfast::container
