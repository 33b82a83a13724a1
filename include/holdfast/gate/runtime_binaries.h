#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/unique_fd.h"

namespace holdfast::gate {

/// The OCI runtime binaries on this host: which of the listed paths exist now, and when one of them is replaced (an
/// upgrade renames a new file over it). One thread.
class RuntimeBinaries {
 public:
  /// `extra` come in addition to the built-in list. Every path may be a glob(7).
  explicit RuntimeBinaries(const std::vector<std::string>& extra);

  /// Replaces what comes in addition to the built-in list; takes effect with the next refresh.
  void set_extra(const std::vector<std::string>& extra);

  /// Looks again. True if any path names another file than before.
  bool refresh();
  /// The binaries that exist: O_PATH descriptors, valid until the next refresh.
  [[nodiscard]] std::vector<int> descriptors() const { return descriptors_of(binaries_); }
  /// Those that the last refresh did not find any more; valid as long.
  [[nodiscard]] std::vector<int> gone() const { return descriptors_of(gone_); }
  [[nodiscard]] std::vector<std::pair<dev_t, ino_t>> identities() const;
  [[nodiscard]] std::vector<std::string> paths() const;

  /// Readable when something changed in a directory that holds, or may come to hold, a runtime. `refresh` drains it.
  [[nodiscard]] int changes_fd() const { return inotify_.get(); }

 private:
  struct Binary {
    std::string path;
    UniqueFd fd;
    dev_t device = 0;
    ino_t inode = 0;
  };
  [[nodiscard]] static std::vector<int> descriptors_of(const std::vector<Binary>& binaries);
  void watch_directories();
  void drain() const;

  std::vector<std::string> patterns_;
  std::vector<Binary> binaries_, gone_;
  UniqueFd inotify_;
};

}  // namespace holdfast::gate
