#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"
#include "holdfast/container/mount_kind.h"
#include "holdfast/kernel/mount_events.h"

namespace holdfast::container {

class HostMounts;
class Marker;

/// How a mount counts for the verdict on a file that was executed from it.
struct MountUse {
  MountKind kind = MountKind::own;
  bool given = false;       ///< the runtime mounted it; otherwise it was mounted inside the container
  std::string path;         ///< of the file, where the runtime mounted it; empty if it did not
  std::string destination;  ///< likewise, of the mount
  std::string source;       ///< the directory on the host, or what the mount table calls it
  std::string type;
  bool writable = true;  ///< by this mount, or by any other that the runtime gave of the same files
};

/// What is mounted in containers beyond their roots: tells volumes from the container's own file systems, marks both
/// (a superblock of the container's own as a whole, a volume's mount in its namespace), and follows new mounts, by the
/// kernel's mount events or, where it has none, by polling mount tables. Any thread; owns one.
class Mounts {
 public:
  struct Dependencies {
    Marker& marker;
    std::function<void(const std::string&)> on_problem;
    bool use_events = true;  ///< false: poll, as on kernels without mount events
  };
  explicit Mounts(Dependencies dependencies);
  ~Mounts();
  Mounts(const Mounts&) = delete;
  Mounts& operator=(const Mounts&) = delete;

  /// A process of the container was seen. Its mount namespace, if it is new, is marked before this returns, and
  /// followed from now on. The first one's mounts are what the runtime gave. `proc_dir` is an open /proc/PID.
  void enter(const std::shared_ptr<Container>& container, int proc_dir, pid_t pid);
  /// Whether that namespace (an inode number) has been entered by the container already, so that `enter` would do
  /// nothing.
  [[nodiscard]] bool follows(const Container& container, ino_t space) const;
  /// `path` is the file's in the mount's superblock.
  [[nodiscard]] MountUse use_of(const Container& container, const kernel::Mount& mount, const std::string& path);
  /// The container's mode has changed: its marks must be of the other kind.
  void mark_again(const Container& container);
  /// The container has ended, or is started again.
  void forget(Container& container);

 private:
  /// A mount namespace, with a process in it through which its table is read. Nothing here keeps it alive but the
  /// polled table, which goes when that process ends.
  struct Space {
    std::weak_ptr<Container> container;
    std::uint64_t id = 0;  ///< the kernel's, where it tells of mounts
    pid_t pid = 0;
    UniqueFd pidfd;
    UniqueFd table;  ///< polled; empty with mount events
  };

  [[nodiscard]] MountKind kind_of(const Container& container, const kernel::Mount& mount);
  [[nodiscard]] bool is_shared_with_others(const Container& container, dev_t device);
  void set_given(Container& container, const std::vector<kernel::Mount>& mounts);
  bool follow(ino_t inode, const std::shared_ptr<Container>& container, int proc_dir, pid_t pid);
  void mark_table(const std::shared_ptr<Container>& container, int proc_dir, const std::vector<kernel::Mount>& mounts);
  void mark(const Container& container, int root, const kernel::Mount& mount, MountKind kind);
  [[nodiscard]] std::vector<ino_t> spaces_of(const Container& container) const;
  void look(ino_t inode);
  void run();
  void take_mount_events();
  void replace_process(ino_t inode);
  void drop(ino_t inode);

  const Dependencies to_;
  const std::unique_ptr<HostMounts> host_;
  const std::optional<kernel::MountEvents> events_;
  const UniqueFd epoll_, wake_;
  ino_t host_namespace_ = 0;
  mutable std::mutex mutex_;  ///< what follows; never held over anything slow
  std::map<ino_t, Space> spaces_;
  std::map<dev_t, std::vector<std::weak_ptr<Container>>> owners_;  ///< who has an own superblock mounted
  std::thread thread_;                                             ///< the last member: uses the others
};

}  // namespace holdfast::container
