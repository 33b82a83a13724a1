#include "holdfast/kernel/mount_events.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace holdfast::kernel {
namespace {

// Newer than the headers of Debian 12 (linux/fanotify.h, linux/nsfs.h and linux/mount.h of Linux 6.14).
constexpr unsigned kReportMount = 0x00004000;
constexpr unsigned kMarkMountNamespace = 0x00000110;
constexpr std::uint64_t kAttach = 0x01000000;
constexpr std::uint8_t kInfoMount = 7;
constexpr unsigned long kGetMountNamespaceId = _IOR(0xb7, 0x5, std::uint64_t);
constexpr long kStatmount = 457;  // the same number on every architecture

struct MountInfo {
  fanotify_event_info_header header;
  std::uint64_t mount;
};

struct MountIdRequest {
  std::uint32_t size = sizeof(MountIdRequest);
  std::uint32_t spare = 0;
  std::uint64_t mount = 0;
  std::uint64_t wanted = 0;
  std::uint64_t mount_namespace = 0;
};

void parse(const fanotify_event_metadata& meta, const std::byte* begin, MountEvents::Batch& batch) {
  if ((meta.mask & FAN_Q_OVERFLOW) != 0) batch.lost = true;
  std::size_t offset = meta.metadata_len;
  while (offset + sizeof(fanotify_event_info_header) <= meta.event_len) {
    fanotify_event_info_header header{};
    std::memcpy(&header, begin + offset, sizeof header);
    if (header.len < sizeof header) return;
    if (header.info_type == kInfoMount && header.len >= sizeof(MountInfo) &&
        offset + sizeof(MountInfo) <= meta.event_len) {
      MountInfo info{};
      std::memcpy(&info, begin + offset, sizeof info);
      batch.attached.push_back(info.mount);
    }
    offset += header.len;
  }
}

}  // namespace

Result<MountEvents> MountEvents::open() {
  const int fd = ::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS | kReportMount, 0);
  if (fd >= 0) return MountEvents(UniqueFd(fd));
  if (errno == EINVAL) return Error{ENOSYS, "the kernel does not tell of mounts in other namespaces"};
  return errno_error("fanotify_init for mounts");
}

Result<void> MountEvents::watch(int mount_namespace) const {
  if (::fanotify_mark(group_.get(), FAN_MARK_ADD | kMarkMountNamespace, kAttach, mount_namespace, nullptr) == 0)
    return {};
  return errno_error("watch a mount namespace");
}

Result<MountEvents::Batch> MountEvents::read() const {
  Batch batch;
  alignas(fanotify_event_metadata) std::array<std::byte, 8192> buffer;
  for (;;) {
    const ssize_t got = ::read(group_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return batch;
    if (got < 0) return errno_error("read mount events");
    std::size_t offset = 0;
    while (offset + sizeof(fanotify_event_metadata) <= static_cast<std::size_t>(got)) {
      fanotify_event_metadata meta{};
      std::memcpy(&meta, buffer.data() + offset, sizeof meta);
      if (meta.event_len < sizeof meta || offset + meta.event_len > static_cast<std::size_t>(got)) break;
      parse(meta, buffer.data() + offset, batch);
      offset += meta.event_len;
    }
  }
}

Result<std::uint64_t> mount_namespace_id(int mount_namespace) {
  std::uint64_t id = 0;
  if (::ioctl(mount_namespace, kGetMountNamespaceId, &id) != 0) return errno_error("ask for a mount namespace's id");
  return id;
}

bool has_mount(std::uint64_t mount_namespace_id, std::uint64_t mount) {
  MountIdRequest request;
  request.mount = mount;
  request.mount_namespace = mount_namespace_id;
  std::array<std::byte, 512> answer;
  return ::syscall(kStatmount, &request, answer.data(), answer.size(), 0) == 0;
}

}  // namespace holdfast::kernel
