#include "holdfast/kernel/fanotify.h"

#include <fcntl.h>
#include <sys/fanotify.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace holdfast::kernel {
namespace {

/// 32 events with their pidfd records: a batch never takes more than 64 descriptors.
constexpr std::size_t kBatchBytes = 32 * (sizeof(fanotify_event_metadata) + sizeof(fanotify_event_info_pidfd));

std::string self_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

Result<void> change_mark(int group, unsigned flags, std::uint64_t mask, int fd) {
  // By way of /proc/self/fd, since fanotify_mark(2) refuses O_PATH descriptors.
  if (::fanotify_mark(group, flags, mask, AT_FDCWD, self_path(fd).c_str()) == 0) return {};
  return errno_error("fanotify_mark");
}

FanotifyEvent parse_event(const fanotify_event_metadata& meta, const std::byte* begin) {
  FanotifyEvent event;
  event.file = UniqueFd(meta.fd);
  event.pid = meta.pid;
  event.mask = meta.mask;
  std::size_t offset = meta.metadata_len;
  while (offset + sizeof(fanotify_event_info_header) <= meta.event_len) {
    fanotify_event_info_header header{};
    std::memcpy(&header, begin + offset, sizeof header);
    if (header.len < sizeof header) break;
    if (header.info_type == FAN_EVENT_INFO_TYPE_PIDFD && header.len >= sizeof(fanotify_event_info_pidfd)) {
      fanotify_event_info_pidfd info{};
      std::memcpy(&info, begin + offset, sizeof info);
      if (info.pidfd >= 0) event.pidfd = UniqueFd(info.pidfd);
    }
    offset += header.len;
  }
  return event;
}

}  // namespace

bool FanotifyEvent::is_permission() const {
  return (mask & (FAN_OPEN_EXEC_PERM | FAN_OPEN_PERM | FAN_ACCESS_PERM)) != 0;
}
bool FanotifyEvent::is_overflow() const { return (mask & FAN_Q_OVERFLOW) != 0; }

Result<FanotifyGroup> FanotifyGroup::create() {
  const int fd = ::fanotify_init(
      FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_PIDFD,
      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
  if (fd < 0) return errno_error("fanotify_init with permission events");
  return FanotifyGroup(UniqueFd(fd));
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

Result<void> FanotifyGroup::read(std::vector<FanotifyEvent>& events) const {
  alignas(fanotify_event_metadata) std::array<std::byte, kBatchBytes> buffer;
  events.clear();
  const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    return errno_error("read fanotify events");
  }
  std::size_t offset = 0;
  const auto end = static_cast<std::size_t>(got);
  while (offset + sizeof(fanotify_event_metadata) <= end) {
    fanotify_event_metadata meta{};
    std::memcpy(&meta, buffer.data() + offset, sizeof meta);
    if (meta.vers != FANOTIFY_METADATA_VERSION || meta.event_len < sizeof meta || offset + meta.event_len > end) {
      return Error{EPROTO, "the kernel speaks another version of the fanotify event format"};
    }
    events.push_back(parse_event(meta, buffer.data() + offset));
    offset += meta.event_len;
  }
  return {};
}

Result<void> FanotifyGroup::respond(int event_fd, bool allow) const {
  const fanotify_response response{event_fd, static_cast<std::uint32_t>(allow ? FAN_ALLOW : FAN_DENY)};
  for (;;) {
    if (::write(fd_.get(), &response, sizeof response) == static_cast<ssize_t>(sizeof response)) return {};
    if (errno != EINTR) return errno_error("answer a fanotify event");
  }
}

}  // namespace holdfast::kernel
