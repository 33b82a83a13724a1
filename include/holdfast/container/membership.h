#pragma once

#include <sys/types.h>

#include <memory>

#include "holdfast/container/registry.h"

namespace holdfast::container {

/// Tells which protected container a process belongs to, whatever it has done to its root directory and its mounts: by
/// its root's superblock, else by its PID namespace (or one that encloses it), else by its cgroup. A process can leave
/// none of the last two by its own power. Any thread; reads /proc.
class Membership {
 public:
  explicit Membership(const Registry& registry);

  /// Null: no protected container's process. `proc_dir` is an open /proc/PID.
  [[nodiscard]] std::shared_ptr<Container> container_of(int proc_dir) const;

  /// Inode numbers of the service's own namespaces, which are the host's.
  [[nodiscard]] ino_t host_mount_namespace() const { return host_mount_namespace_; }
  [[nodiscard]] ino_t host_pid_namespace() const { return host_pid_namespace_; }

 private:
  [[nodiscard]] std::shared_ptr<Container> by_pid_namespace(int proc_dir) const;
  [[nodiscard]] std::shared_ptr<Container> by_cgroup(int proc_dir) const;

  const Registry& registry_;
  ino_t host_mount_namespace_ = 0, host_pid_namespace_ = 0;
};

}  // namespace holdfast::container
