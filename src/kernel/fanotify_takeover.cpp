#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "holdfast/kernel/fanotify.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::kernel {
namespace {

/// A host with a hundred thousand marked directories needs half of it.
constexpr std::size_t kFdinfoLimit = std::size_t{32} * 1024 * 1024;

Result<std::string> read_fdinfo(int fd) {
  const UniqueFd directory(::open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return read_file_at(directory.get(), fmt::format("{}", fd).c_str(), kFdinfoLimit);
}

/// The line that says how the group was made (proc_pid_fdinfo(5)).
std::string properties(std::string_view fdinfo) {
  const auto begin = fdinfo.find("fanotify flags:");
  if (begin == std::string_view::npos) return {};
  return std::string(fdinfo.substr(begin, fdinfo.find('\n', begin) - begin));
}

std::optional<std::uint64_t> field(std::string_view line, std::string_view name) {
  const auto at = line.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const char* const begin = line.data() + at + name.size();
  if (std::from_chars(begin, line.data() + line.size(), value, 16).ec != std::errc{}) return std::nullopt;
  return value;
}

/// The kernel's own form of a device number, 12 bits and 20 bits, to ours.
dev_t device_of(std::uint64_t kernel_device) {
  return makedev(static_cast<unsigned>(kernel_device >> 20), static_cast<unsigned>(kernel_device & 0xfffff));
}

}  // namespace

Result<FanotifyGroup> FanotifyGroup::adopt(UniqueFd fd) {
  const auto theirs = read_fdinfo(fd.get());
  if (!theirs) return theirs.error();
  auto ours = create();
  if (!ours) return ours.error();
  const auto wanted = read_fdinfo(ours->fd());
  if (!wanted) return wanted.error();
  if (properties(*wanted).empty() || properties(*theirs) != properties(*wanted)) {
    return Error{EINVAL, "it is not a fanotify group of this version's kind"};
  }
  // What cannot be seen there; a group that would block its reader is none of ours.
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) == 0) return Error{EINVAL, "it is a fanotify group that blocks its reader"};
  return FanotifyGroup(std::move(fd), std::move(ours->nothing_));
}

void FanotifyGroup::remove_marks() const {
  for (const unsigned kind : {unsigned{FAN_MARK_FILESYSTEM}, unsigned{FAN_MARK_MOUNT}, unsigned{FAN_MARK_INODE}}) {
    (void)::fanotify_mark(fd_.get(), FAN_MARK_FLUSH | kind, 0, AT_FDCWD, "/");
  }
}

Result<FanotifyGroup::Marks> FanotifyGroup::marks() const {
  const auto fdinfo = read_fdinfo(fd_.get());
  if (!fdinfo) return fdinfo.error();
  Marks marks;
  for (std::size_t begin = 0; begin < fdinfo->size();) {
    const auto end = std::min(fdinfo->find('\n', begin), fdinfo->size());
    const std::string_view line(fdinfo->data() + begin, end - begin);
    begin = end + 1;
    const auto device = field(line, " sdev:");
    if (!device || !line.starts_with("fanotify ")) continue;
    if (const auto inode = field(line, " ino:")) {
      marks.inodes.emplace(device_of(*device), *inode);
    } else {
      marks.superblocks.insert(device_of(*device));
    }
  }
  return marks;
}

}  // namespace holdfast::kernel
