#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"

namespace holdfast::container {

/// Learns when containers' superblocks go, by inotify watches on their roots: a watch holds the root's inode, not the
/// mount, so the runtime can unmount (runtimes.md). The kernel queues IN_UNMOUNT before it gives the device number
/// free: a device that is mounted now and whose watch has not fired is still the same superblock. Any thread.
class UnmountWatch {
 public:
  [[nodiscard]] static Result<std::unique_ptr<UnmountWatch>> create();

  [[nodiscard]] int fd() const { return inotify_.get(); }
  /// `root` is an open directory (O_PATH will do).
  [[nodiscard]] Result<void> add(int root, const std::shared_ptr<Container>& container);
  [[nodiscard]] bool watches(const Container& container) const;

  /// What went since the last call. After a queue overflow nothing is known any more: no container counts as watched.
  [[nodiscard]] std::vector<std::shared_ptr<Container>> take_gone();

 private:
  explicit UnmountWatch(UniqueFd inotify) : inotify_(std::move(inotify)) {}

  UniqueFd inotify_;
  mutable std::mutex mutex_;
  std::unordered_map<int, std::shared_ptr<Container>> by_watch_;
  std::unordered_map<const Container*, int> watch_of_;
};

}  // namespace holdfast::container
