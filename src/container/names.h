#pragma once

#include <string>
#include <string_view>

#include "holdfast/container/container.h"

namespace holdfast::container {

/// Where a root filesystem was found: what its names are looked up by.
struct RootPlace {
  std::string upper_path;   ///< of a root without layers: the root directory
  std::string mount_point;  ///< in the view of `mount_root`
  int layer_root = -1;      ///< the "/" in which `upper_path` is valid
  int mount_root = -1;      ///< the "/" in which `mount_point` is valid
  int caller = -1;          ///< /proc/PID of who is about to execute a runtime; -1 if nobody is
};

/// Names from the runtimes' own state files, which say at the barrier already whose root it is. One function an engine;
/// each gives nothing (no id) where the place is not that engine's.
[[nodiscard]] Names names_podman(const RootPlace& place);
[[nodiscard]] Names names_docker(const RootPlace& place);
[[nodiscard]] Names names_containerd(const RootPlace& place);
/// The first of these that knows.
[[nodiscard]] Names find_names(const RootPlace& place);

/// containerd's container of that id in any namespace, by its state directory on the host: for containers found
/// running. `upper_path` as in RootPlace, in `own_root`.
[[nodiscard]] Names names_containerd_by_id(int own_root, const std::string& id, const std::string& upper_path);

/// The same by the working directory of containerd's shim, given as its /proc/PID: wherever containerd keeps its state,
/// and in a mount namespace that only it sees.
[[nodiscard]] Names names_containerd_by_shim(int shim, int own_root, const std::string& id,
                                             const std::string& upper_path);

/// "/usr/bin/crun" to "crun".
[[nodiscard]] std::string base_name(std::string_view path);
/// The text before the last `levels` components.
[[nodiscard]] std::string_view strip_components(std::string_view path, int levels);
/// The last component.
[[nodiscard]] std::string_view last_component(std::string_view path);

}  // namespace holdfast::container
