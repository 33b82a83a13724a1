#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// One event of a content-class group (fanotify(7)).
struct FanotifyEvent {
  UniqueFd file;   ///< the file, opened read-only in our context; empty for a queue overflow
  UniqueFd pidfd;  ///< who tried; empty if that process is already gone
  pid_t pid = 0;
  std::uint64_t mask = 0;
  [[nodiscard]] bool is_permission() const;
  [[nodiscard]] bool is_overflow() const;
};

/// Owns a fanotify group: FAN_CLASS_CONTENT | FAN_REPORT_PIDFD | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
/// non-blocking, close-on-exec (kernel fact 8). Closing it lets everything pending pass (fact 12).
/// `respond` may be called from any thread; `read` from one only.
class FanotifyGroup {
 public:
  [[nodiscard]] static Result<FanotifyGroup> create();

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Adds `mask` to the mark of the superblock that `fd` lies on. Idempotent.
  [[nodiscard]] Result<void> mark_filesystem(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> unmark_filesystem(int fd, std::uint64_t mask) const;
  /// A mount mark stays with this very mount: clones of it in other namespaces are not marked (kernel fact 2).
  [[nodiscard]] Result<void> mark_mount(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> unmark_mount(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> mark_inode(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> unmark_inode(int fd, std::uint64_t mask) const;

  /// Replaces `events` by at most a small batch (kernel fact 12: each event costs two descriptors); keeps its memory.
  /// Empty: nothing there. EMFILE, ENOENT and the like concern one event, which the kernel has answered itself
  /// (denied): count it and read on.
  [[nodiscard]] Result<void> read(std::vector<FanotifyEvent>& events) const;

  /// Answers a permission event by its descriptor's number (kernel fact 13).
  [[nodiscard]] Result<void> respond(int event_fd, bool allow) const;

  void close() { fd_.reset(); }

 private:
  explicit FanotifyGroup(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace holdfast::kernel
