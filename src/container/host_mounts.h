#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "holdfast/base/unique_fd.h"

namespace holdfast::container {

/// The host's own mount table, read again only when it has changed (poll(2) with POLLPRI, proc(5)): device numbers are
/// reused at once, so an older table could take a container's own tmpfs for the host's. Any thread.
class HostMounts {
 public:
  HostMounts();

  /// Whether the host has this superblock mounted somewhere.
  [[nodiscard]] bool shows(dev_t device);
  /// Where the host sees `path` of that superblock; empty if nowhere.
  [[nodiscard]] std::string path_of(dev_t device, const std::string& path);
  /// The host's /dev/shm, 0 if it has none of its own.
  [[nodiscard]] dev_t shared_memory();

 private:
  struct Place {
    std::string root, mount_point;
  };
  void refresh();  ///< mutex_ is held

  std::mutex mutex_;
  const pid_t host_;
  const UniqueFd table_;
  bool read_ = false;
  std::map<dev_t, std::vector<Place>> places_;
  dev_t shared_memory_ = 0;
};

}  // namespace holdfast::container
