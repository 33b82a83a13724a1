#pragma once

#include <string>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::baseline {

/// An image's lower layers as discovery found them. Descriptors are O_PATH directories.
struct Layers {
  std::vector<UniqueFd> lower;  ///< top first, at least one
  std::vector<UniqueFd> data;   ///< data-only layers, top first
  /// Where `lower` lies, absolute, as seen from the host's mount namespace; kept in the database so that an image can
  /// be verified while no container has it. Empty where the host does not see them.
  std::vector<std::string> lower_paths;
  /// Mount namespace in which `lower` was opened, where that is not ours: the kernel clones lower mounts only from the
  /// namespace of the caller (clone_private_mount). Empty: ours.
  UniqueFd mount_namespace;
  bool metacopy = false;
  bool user_xattr = false;
  std::string redirect_dir;  ///< as kernel::OverlayOptions
};

/// What an image is keyed by: hex SHA-256 over the ordered identities (file system id, inode, birth time) of the lower
/// directories. File system ids are f_fsid, which survives reboots where st_dev does not.
[[nodiscard]] Result<std::string> image_key(const Layers& layers);

}  // namespace holdfast::baseline
