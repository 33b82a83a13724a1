#include "holdfast/kernel/fanotify.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace holdfast::kernel {
namespace {

static_assert(kFanotifyBatch == 32 * (sizeof(fanotify_event_metadata) + sizeof(fanotify_event_info_pidfd)));

std::string self_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

Result<void> change_mark(int group, unsigned flags, std::uint64_t mask, int fd) {
  // By way of /proc/self/fd, since fanotify_mark(2) refuses O_PATH descriptors.
  if (::fanotify_mark(group, flags, mask, AT_FDCWD, self_path(fd).c_str()) == 0) return {};
  return errno_error("fanotify_mark");
}

FanotifyRecord parse_record(const fanotify_event_metadata& meta, const std::byte* begin) {
  FanotifyRecord record{meta.fd, -1, meta.pid, meta.mask};
  std::size_t offset = meta.metadata_len;
  while (offset + sizeof(fanotify_event_info_header) <= meta.event_len) {
    fanotify_event_info_header header{};
    std::memcpy(&header, begin + offset, sizeof header);
    if (header.len < sizeof header) break;
    if (header.info_type == FAN_EVENT_INFO_TYPE_PIDFD && header.len >= sizeof(fanotify_event_info_pidfd) &&
        offset + sizeof(fanotify_event_info_pidfd) <= meta.event_len) {
      fanotify_event_info_pidfd info{};
      std::memcpy(&info, begin + offset, sizeof info);
      record.pidfd = info.pidfd;
    }
    offset += header.len;
  }
  return record;
}

}  // namespace

bool is_permission(std::uint64_t mask) { return (mask & (FAN_OPEN_EXEC_PERM | FAN_OPEN_PERM | FAN_ACCESS_PERM)) != 0; }

Result<void> parse_records(std::span<const std::byte> buffer, std::vector<FanotifyRecord>& records) {
  records.clear();
  std::size_t offset = 0;
  while (offset + sizeof(fanotify_event_metadata) <= buffer.size()) {
    fanotify_event_metadata meta{};
    std::memcpy(&meta, buffer.data() + offset, sizeof meta);
    if (meta.vers != FANOTIFY_METADATA_VERSION || meta.event_len < sizeof meta ||
        offset + meta.event_len > buffer.size()) {
      return Error{EPROTO, "the kernel speaks another version of the fanotify event format"};
    }
    records.push_back(parse_record(meta, buffer.data() + offset));
    offset += meta.event_len;
  }
  return {};
}

bool FanotifyEvent::is_permission() const { return kernel::is_permission(mask); }
bool FanotifyEvent::is_execution() const { return (mask & (FAN_OPEN_EXEC_PERM | FAN_OPEN_EXEC)) != 0; }
bool FanotifyEvent::is_overflow() const { return (mask & FAN_Q_OVERFLOW) != 0; }

Result<FanotifyGroup> FanotifyGroup::create() {
  const int fd = ::fanotify_init(
      FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_PIDFD,
      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
  if (fd < 0) return errno_error("fanotify_init with permission events");
  return own(UniqueFd(fd));
}

Result<FanotifyGroup> FanotifyGroup::own(UniqueFd group) {
  UniqueFd nothing(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));  // never armed
  if (!nothing) return errno_error("timerfd_create");
  return FanotifyGroup(std::move(group), std::move(nothing));
}

void FanotifyGroup::close() {
  if (fd_) (void)::dup3(nothing_.get(), fd_.get(), O_CLOEXEC);
}

Result<FanotifyGroup> FanotifyGroup::create_for_notifications() {
  const int fd = ::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS,
                                 O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME | O_NONBLOCK);
  if (fd < 0) return errno_error("fanotify_init");
  return own(UniqueFd(fd));
}

Result<void> FanotifyGroup::mark_filesystem(int fd, std::uint64_t mask) const {
  return change_mark(fd_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, fd);
}

Result<void> FanotifyGroup::unmark_filesystem(int fd, std::uint64_t mask) const {
  return change_mark(fd_.get(), FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, mask, fd);
}

Result<void> FanotifyGroup::mark_mount(int fd, std::uint64_t mask) const {
  return change_mark(fd_.get(), FAN_MARK_ADD | FAN_MARK_MOUNT, mask, fd);
}

Result<void> FanotifyGroup::unmark_mount(int fd, std::uint64_t mask) const {
  return change_mark(fd_.get(), FAN_MARK_REMOVE | FAN_MARK_MOUNT, mask, fd);
}

Result<void> FanotifyGroup::mark_inode(int fd, std::uint64_t mask) const {
  return change_mark(fd_.get(), FAN_MARK_ADD | FAN_MARK_INODE, mask, fd);
}

Result<void> FanotifyGroup::unmark_inode(int fd, std::uint64_t mask) const {
  return change_mark(fd_.get(), FAN_MARK_REMOVE | FAN_MARK_INODE, mask, fd);
}

Result<void> FanotifyGroup::ignore_inode(int fd, std::uint64_t mask) const {
  constexpr unsigned kEvictable = 0x200;  // FAN_MARK_EVICTABLE (5.19): the mark keeps no inode in memory
  return change_mark(fd_.get(), FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY | kEvictable, mask,
                     fd);
}

Result<void> FanotifyGroup::read(std::vector<FanotifyEvent>& events, std::span<std::byte> buffer) const {
  events.clear();
  const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    return errno_error("read fanotify events");
  }
  std::vector<FanotifyRecord> records;
  records.reserve(kFanotifyBatch / sizeof(fanotify_event_metadata));
  auto parsed = parse_records(buffer.first(static_cast<std::size_t>(got)), records);
  for (const auto& record : records) {
    events.push_back({UniqueFd(record.fd), UniqueFd(record.pidfd), record.pid, record.mask});
  }
  return parsed;
}

Result<void> FanotifyGroup::respond(int event_fd, bool allow) const {
  const fanotify_response response{event_fd, static_cast<std::uint32_t>(allow ? FAN_ALLOW : FAN_DENY)};
  for (;;) {
    if (::write(fd_.get(), &response, sizeof response) == static_cast<ssize_t>(sizeof response)) return {};
    if (errno != EINTR) return errno_error("answer a fanotify event");
  }
}

}  // namespace holdfast::kernel
