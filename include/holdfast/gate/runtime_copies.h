#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "holdfast/base/identity.h"
#include "holdfast/base/sha256.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::gate {

/// Tells a runtime's own process that waits inside a container for its start (`runc init`) from a program of the
/// container's: runtimes run there from a sealed copy of themselves. Any thread.
class RuntimeCopies {
 public:
  /// Replaces the set; the descriptors (O_PATH will do) stay the caller's.
  void set(const std::vector<int>& binaries);
  /// Whether a process (`proc_dir`, an open /proc/PID) runs a runtime: the binary itself, by its identity, whatever it
  /// is mounted through, or a memfd with its content, which is read only if its size is one's.
  [[nodiscard]] bool contains(const struct stat& executed, int proc_dir, bool memfd);

 private:
  struct Binary {
    UniqueFd file;
    Identity identity;
    std::optional<Sha256> hash;  ///< once it was asked for
  };
  std::mutex mutex_;
  std::vector<Binary> binaries_;
};

}  // namespace holdfast::gate
