#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// 32 events with their pidfd records: a batch never takes more than 64 descriptors.
inline constexpr std::size_t kEventsInABatch = 32;
inline constexpr std::size_t kFanotifyBatch = kEventsInABatch * (24 + 8);

/// One event as the kernel writes it: numbers that nobody owns yet.
struct FanotifyRecord {
  int fd = -1, pidfd = -1;
  pid_t pid = 0;
  std::uint64_t mask = 0;
};
/// Replaces `records` by those in `buffer`, down to the first that is not complete. EPROTO: another format's.
[[nodiscard]] Result<void> parse_records(std::span<const std::byte> buffer, std::vector<FanotifyRecord>& records);
[[nodiscard]] bool is_permission(std::uint64_t mask);

/// One event of a content-class group (fanotify(7)).
struct FanotifyEvent {
  UniqueFd file;   ///< the file, opened read-only in our context; empty for a queue overflow
  UniqueFd pidfd;  ///< who tried; empty if that process is already gone
  pid_t pid = 0;
  std::uint64_t mask = 0;
  [[nodiscard]] bool is_permission() const;
  [[nodiscard]] bool is_overflow() const;
  /// Opened to be executed; otherwise only opened.
  [[nodiscard]] bool is_execution() const;
};

/// Owns a fanotify group. The gate's (`create`): FAN_CLASS_CONTENT | FAN_REPORT_PIDFD | FAN_UNLIMITED_QUEUE |
/// FAN_UNLIMITED_MARKS, non-blocking, close-on-exec (kernel fact 8). Closing it lets everything pending pass (fact 12).
/// `respond` and `close` may be called from any thread; `read` from one only.
class FanotifyGroup {
 public:
  [[nodiscard]] static Result<FanotifyGroup> create();
  /// Takes over a group that another process made, with its marks and its waiting events. EINVAL for anything else, and
  /// for a group of other properties than `create` gives.
  [[nodiscard]] static Result<FanotifyGroup> adopt(UniqueFd fd);

  /// One that nobody ever waits for: FAN_CLASS_NOTIF, a bounded queue, no pidfds. What it opens, it opens with
  /// O_NONBLOCK: there may be FIFOs among the files.
  [[nodiscard]] static Result<FanotifyGroup> create_for_notifications();

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Adds `mask` to the mark of the superblock that `fd` lies on. Idempotent.
  [[nodiscard]] Result<void> mark_filesystem(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> unmark_filesystem(int fd, std::uint64_t mask) const;
  /// A mount mark stays with this very mount: clones of it in other namespaces are not marked (kernel fact 2).
  [[nodiscard]] Result<void> mark_mount(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> unmark_mount(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> mark_inode(int fd, std::uint64_t mask) const;
  [[nodiscard]] Result<void> unmark_inode(int fd, std::uint64_t mask) const;
  /// No more events of that kind about this very inode, while the kernel keeps it in memory.
  [[nodiscard]] Result<void> ignore_inode(int fd, std::uint64_t mask) const;

  /// Replaces `events` by at most a batch (kernel fact 12: each event costs two descriptors); keeps its memory. The
  /// kernel writes to `buffer`, of kFanotifyBatch bytes.
  /// Empty: nothing there. EMFILE, ENOENT and the like concern one event, which the kernel has answered itself
  /// (denied): count it and read on.
  [[nodiscard]] Result<void> read(std::vector<FanotifyEvent>& events, std::span<std::byte> buffer) const;

  /// Answers a permission event by its descriptor's number (kernel fact 13).
  [[nodiscard]] Result<void> respond(int event_fd, bool allow) const;

  /// Removes every mark: no more events come, whoever else holds the group.
  void remove_marks() const;

  struct Marks {
    std::set<dev_t> superblocks;
    std::set<std::pair<dev_t, ino_t>> inodes;  ///< by superblock
  };
  /// The marks on what still is there, by the kernel's own account.
  [[nodiscard]] Result<Marks> marks() const;

  /// Lets everything pending pass. While other threads may be answering: the descriptor's number then never names
  /// anything but the group or a file that takes no answers, so that none can end up in somebody else's file.
  void close();

 private:
  [[nodiscard]] static Result<FanotifyGroup> own(UniqueFd group);
  FanotifyGroup(UniqueFd fd, UniqueFd nothing) : fd_(std::move(fd)), nothing_(std::move(nothing)) {}
  UniqueFd fd_;
  UniqueFd nothing_;  ///< never readable, refuses every write: stands where the group was
};

}  // namespace holdfast::kernel
