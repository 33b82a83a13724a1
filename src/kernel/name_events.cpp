#include "holdfast/kernel/name_events.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace holdfast::kernel {
namespace {

constexpr std::uint64_t kRename = 0x10000000;  // FAN_RENAME and its records (5.17), newer than our headers
constexpr std::uint8_t kOldName = 10;
constexpr std::uint8_t kNewName = 12;
constexpr std::uint64_t kMask = FAN_ATTRIB | FAN_CREATE | kRename | FAN_ONDIR | FAN_EVENT_ON_CHILD;
constexpr std::size_t kBatchBytes = 16384;
constexpr std::size_t kMostHandleBytes = 128;  // MAX_HANDLE_SZ

/// What a directory is called in events: file system, type of handle, handle.
std::string handle_key(const void* fsid, int type, const unsigned char* bytes, std::size_t size) {
  std::string key(static_cast<const char*>(fsid), sizeof(fsid_t));
  key.append(reinterpret_cast<const char*>(&type), sizeof type);
  key.append(reinterpret_cast<const char*>(bytes), size);
  return key;
}

constexpr std::size_t kTypeAt = sizeof(fsid_t);
constexpr std::size_t kHandleBytesAt = kTypeAt + sizeof(int);

/// One FAN_EVENT_INFO_TYPE_…DFID_NAME record: header, fsid, struct file_handle, name.
std::optional<NameEvents::Entry> parse_entry(const std::byte* record, std::size_t size) {
  constexpr std::size_t kFsidAt = sizeof(fanotify_event_info_header);
  constexpr std::size_t kHandleAt = kFsidAt + sizeof(fsid_t);
  constexpr std::size_t kBytesAt = kHandleAt + sizeof(struct file_handle);
  if (size < kBytesAt) return std::nullopt;
  struct file_handle handle {};
  std::memcpy(&handle, record + kHandleAt, sizeof handle);
  if (handle.handle_bytes > size - kBytesAt) return std::nullopt;
  const auto* bytes = reinterpret_cast<const unsigned char*>(record + kBytesAt);
  const auto* name = reinterpret_cast<const char*>(bytes) + handle.handle_bytes;
  const std::size_t room = size - kBytesAt - handle.handle_bytes;
  return NameEvents::Entry{handle_key(record + kFsidAt, handle.handle_type, bytes, handle.handle_bytes),
                           std::string(name, ::strnlen(name, room))};
}

NameEvents::Event parse_event(const fanotify_event_metadata& meta, const std::byte* begin) {
  NameEvents::Event event;
  event.pid = meta.pid;
  event.about_directory = (meta.mask & FAN_ONDIR) != 0;
  event.created = (meta.mask & FAN_CREATE) != 0;
  event.attributes = (meta.mask & FAN_ATTRIB) != 0;
  event.renamed = (meta.mask & kRename) != 0;
  std::size_t offset = meta.metadata_len;
  while (offset + sizeof(fanotify_event_info_header) <= meta.event_len) {
    fanotify_event_info_header header{};
    std::memcpy(&header, begin + offset, sizeof header);
    if (header.len < sizeof header || header.len > meta.event_len - offset) break;
    auto entry = parse_entry(begin + offset, header.len);
    if (header.info_type == FAN_EVENT_INFO_TYPE_FID) {
      if (entry) event.file = std::move(entry->directory);
    } else if (header.info_type == kOldName) {
      event.from = std::move(entry);
    } else if (header.info_type == kNewName || header.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME) {
      event.entry = std::move(entry);
    }
    offset += header.len;
  }
  return event;
}

/// In the handles of which the inode's number can be told (exportfs.h, enum fid_type).
std::optional<std::uint64_t> inode_number(const std::string& handle) {
  constexpr int kInode32 = 1, kBtrfs = 0x4d;
  constexpr std::size_t kInode32Bytes = 8, kBtrfsBytes = 20;
  if (handle.size() < kHandleBytesAt) return std::nullopt;
  int type = 0;
  std::memcpy(&type, handle.data() + kTypeAt, sizeof type);
  const auto bytes = std::string_view(handle).substr(kHandleBytesAt);
  std::uint64_t number = 0;  // little-endian, as every machine that this runs on
  if (type == kInode32 && bytes.size() == kInode32Bytes) {
    std::memcpy(&number, bytes.data(), sizeof(std::uint32_t));
  } else if (type == kBtrfs && bytes.size() == kBtrfsBytes) {
    std::memcpy(&number, bytes.data(), sizeof number);
  }
  return number != 0 ? std::optional(number) : std::nullopt;
}

Result<void> change_watch(int group, unsigned flags, int directory) {
  const auto path = fmt::format("/proc/self/fd/{}", directory);
  if (::fanotify_mark(group, flags, kMask, AT_FDCWD, path.c_str()) == 0) return {};
  return errno_error("watch a directory's entries");
}

}  // namespace

const std::string* NameEvents::Event::directory() const {
  if (entry) return &entry->directory;
  return from ? &from->directory : nullptr;
}

Result<NameEvents> NameEvents::open() {
  constexpr unsigned kReportTarget = 0x1000;  // FAN_REPORT_TARGET_FID (5.17)
  UniqueFd fd(::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS | FAN_REPORT_FID |
                                  FAN_REPORT_DIR_FID | FAN_REPORT_NAME | kReportTarget,
                              O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("fanotify_init with names");
  return NameEvents(std::move(fd));
}

Result<std::string> NameEvents::watch(int directory) const {
  struct statfs file_system {};
  alignas(struct file_handle) std::array<unsigned char, sizeof(struct file_handle) + kMostHandleBytes> buffer{};
  auto* handle = reinterpret_cast<struct file_handle*>(buffer.data());
  handle->handle_bytes = kMostHandleBytes;
  int mount_id = 0;
  if (::fstatfs(directory, &file_system) != 0 ||
      ::name_to_handle_at(directory, "", handle, &mount_id, AT_EMPTY_PATH) != 0) {
    return errno_error("ask for a directory's handle");
  }
  if (auto watched = change_watch(fd_.get(), FAN_MARK_ADD | FAN_MARK_ONLYDIR, directory); !watched) {
    return watched.error();
  }
  return handle_key(&file_system.f_fsid, handle->handle_type, buffer.data() + sizeof(struct file_handle),
                    handle->handle_bytes);
}

void NameEvents::unwatch(int directory) const { (void)change_watch(fd_.get(), FAN_MARK_REMOVE, directory); }

Result<UniqueFd> NameEvents::open_file(int beside, const std::string& handle) {
  alignas(struct file_handle) std::array<unsigned char, sizeof(struct file_handle) + kMostHandleBytes> buffer{};
  if (handle.size() < kHandleBytesAt || handle.size() - kHandleBytesAt > kMostHandleBytes) {
    return errno_error(EINVAL, "open a file by its handle");
  }
  auto* wanted = reinterpret_cast<struct file_handle*>(buffer.data());
  wanted->handle_bytes = static_cast<unsigned>(handle.size() - kHandleBytesAt);
  std::memcpy(&wanted->handle_type, handle.data() + kTypeAt, sizeof wanted->handle_type);
  std::memcpy(buffer.data() + sizeof(struct file_handle), handle.data() + kHandleBytesAt, wanted->handle_bytes);
  UniqueFd file(::open_by_handle_at(beside, wanted, O_PATH | O_CLOEXEC));
  if (!file) return errno_error("open a file by its handle");
  return file;
}

bool NameEvents::find_by_name(int directory, const Event& event, struct statx& found) {
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  const auto number = event.entry ? inode_number(event.file) : std::nullopt;
  return number &&
         ::statx(directory, event.entry->name.c_str(), kFlags, STATX_BASIC_STATS | STATX_BTIME, &found) == 0 &&
         found.stx_ino == *number;
}

Result<void> NameEvents::read(Batch& batch) const {
  alignas(fanotify_event_metadata) std::array<std::byte, kBatchBytes> buffer;
  batch.events.clear();
  batch.lost = false;
  const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    return errno_error("read events about names");
  }
  const auto end = static_cast<std::size_t>(got);
  for (std::size_t offset = 0; offset + sizeof(fanotify_event_metadata) <= end;) {
    fanotify_event_metadata meta{};
    std::memcpy(&meta, buffer.data() + offset, sizeof meta);
    if (meta.vers != FANOTIFY_METADATA_VERSION || meta.event_len < sizeof meta || offset + meta.event_len > end) {
      return Error{EPROTO, "the kernel speaks another version of the fanotify event format"};
    }
    if ((meta.mask & FAN_Q_OVERFLOW) != 0) {
      batch.lost = true;
    } else {
      batch.events.push_back(parse_event(meta, buffer.data() + offset));
    }
    offset += meta.event_len;
  }
  return {};
}

}  // namespace holdfast::kernel
