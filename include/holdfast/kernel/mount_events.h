#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// Tells of mounts that are attached in other mount namespaces (FAN_REPORT_MNT and FAN_MARK_MNTNS, Linux 6.14; kernel
/// fact 10). A mark pins no namespace: it goes when the namespace goes. One reader; marks from any thread.
class MountEvents {
 public:
  /// ENOSYS where the kernel has none.
  [[nodiscard]] static Result<MountEvents> open();

  [[nodiscard]] int fd() const { return group_.get(); }
  /// `mount_namespace` is an open /proc/PID/ns/mnt.
  [[nodiscard]] Result<void> watch(int mount_namespace) const;
  /// The unique ids (statmount(2)) of mounts attached since the last call; never blocks.
  struct Batch {
    std::vector<std::uint64_t> attached;
    bool lost = false;  ///< the queue overflowed: any namespace may have changed
  };
  [[nodiscard]] Result<Batch> read() const;

 private:
  explicit MountEvents(UniqueFd group) : group_(std::move(group)) {}
  UniqueFd group_;
};

/// The kernel's own number of a mount namespace, never given twice (NS_GET_MNTNS_ID, Linux 6.11).
[[nodiscard]] Result<std::uint64_t> mount_namespace_id(int mount_namespace);
/// Whether a mount with this unique id is in that namespace (statmount(2), Linux 6.11 for other namespaces).
[[nodiscard]] bool has_mount(std::uint64_t mount_namespace_id, std::uint64_t mount);

}  // namespace holdfast::kernel
