#pragma once

#include <functional>
#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// A file system being configured (fsopen(2), fsconfig(2), fsmount(2)). It appears in no mount table, and vanishes
/// with its descriptors. Not thread-safe; lower mounts are looked up in the mount namespace of the calling thread.
class FsContext {
 public:
  [[nodiscard]] static Result<FsContext> open(const std::string& type);

  /// At most 255 bytes: the kernel's limit for a string (EINVAL).
  [[nodiscard]] Result<void> set_string(const std::string& key, const std::string& value) const;
  [[nodiscard]] Result<void> set_flag(const std::string& key) const;
  [[nodiscard]] Result<void> set_descriptor(const std::string& key, int fd) const;
  /// Makes the superblock and a detached mount of it, with MOUNT_ATTR_ flags.
  [[nodiscard]] Result<UniqueFd> mount(unsigned attributes) const;

 private:
  explicit FsContext(UniqueFd fd) : fd_(std::move(fd)) {}
  /// The error at hand, with what the kernel says of it in the context's log.
  [[nodiscard]] Error failure(const std::string& what) const;
  UniqueFd fd_;
};

/// A detached copy of the mount that `directory` lies on, with `directory` as its root and no mounts below it,
/// read-only. EINVAL if the mount is not of the caller's mount namespace.
[[nodiscard]] Result<UniqueFd> clone_tree_read_only(int directory);

/// Runs `work` in a thread of its own whose root and working directory are nobody else's (unshare(CLONE_FS)), in the
/// mount namespace `mount_namespace` (-1: ours), and waits for it. Descriptors are shared with the caller.
[[nodiscard]] Result<void> run_in_mount_namespace(int mount_namespace, const std::function<Result<void>()>& work);

/// Moves the calling thread into a copy of its mount namespace from which nothing propagates back. Only for threads of
/// `run_in_mount_namespace`.
[[nodiscard]] Result<void> enter_private_mount_namespace();

}  // namespace holdfast::kernel
