#pragma once

#include <sys/types.h>

#include <mutex>
#include <string>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::container {

/// A container that runs and cannot be protected at all.
struct Unprotected {
  std::string id;  ///< may be empty: unknown. Hostile bytes.
  std::string why;
  dev_t device = 0;
  ino_t root = 0;  ///< of its root directory; 0: any on that device
  pid_t pid = 0;   ///< of a process of it; 0: none was seen yet
  Wall::time_point since{};
};

/// Containers that nobody judges, for as long as they have a process. Any thread; `refresh` reads /proc, the rest not.
class UnprotectedList {
 public:
  /// Not listed before `refresh` has found a process in it. One that is known by its root gets the new reason.
  void add(Unprotected container);
  /// The container on this root is protected now.
  void remove(dev_t device, ino_t root);
  /// Looks for their processes: forgets containers that have none any more, or never got one. Returns those that are
  /// inhabited for the first time.
  std::vector<Unprotected> refresh();
  [[nodiscard]] std::vector<Unprotected> all() const;

 private:
  struct Entry {
    Unprotected container;
    UniqueFd process;  ///< a pidfd of container.pid
    Steady::time_point added = Steady::now();
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace holdfast::container
