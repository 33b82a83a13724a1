#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

struct statx;

namespace holdfast::kernel {

/// What happens to the entries of watched directories, by whom: created, renamed, attributes changed. Inode marks of a
/// group that reports files by handle and entries by name (FAN_REPORT_DFID_NAME_TARGET): notifications only, a bounded
/// queue, and nothing is opened by reading. One reader; `watch` from the same thread.
class NameEvents {
 public:
  [[nodiscard]] static Result<NameEvents> open();

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// The directory's handle, by which events name it. `directory` may be O_PATH, but not for `open_file`.
  [[nodiscard]] Result<std::string> watch(int directory) const;
  void unwatch(int directory) const;

  struct Entry {
    std::string directory;  ///< handle
    std::string name;       ///< raw bytes, one path component
  };
  struct Event {
    pid_t pid = 0;
    bool about_directory = false;
    /// Several may have been merged into one event.
    bool created = false, attributes = false, renamed = false;
    std::optional<Entry> from;   ///< of a renaming, where it left a watched directory
    std::optional<Entry> entry;  ///< where it is now; nothing if that is not watched
    std::string file;            ///< its own handle
    /// A directory that is watched, by handle: where it is now, else where it was.
    [[nodiscard]] const std::string* directory() const;
  };
  /// The file itself (O_PATH), under whatever name it has by now. `beside` is any open descriptor on its file system.
  /// ESTALE if it is gone. Needs CAP_DAC_READ_SEARCH.
  [[nodiscard]] static Result<UniqueFd> open_file(int beside, const std::string& handle);

  /// Whether the event's entry, in that directory, still names the event's own file, and then what it is; nothing is
  /// opened, no link followed. False if not, or if that cannot be told: only ext4's and btrfs's handles say the inode's
  /// number and are nobody else's (xfs's look as FUSE's do, whose server might have us wait).
  [[nodiscard]] static bool find_by_name(int directory, const Event& event, struct statx& found);

  struct Batch {
    std::vector<Event> events;
    bool lost = false;  ///< the queue was full
  };
  /// Replaces `batch`, whose memory it keeps; empty: nothing there. Never blocks.
  [[nodiscard]] Result<void> read(Batch& batch) const;

 private:
  explicit NameEvents(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace holdfast::kernel
