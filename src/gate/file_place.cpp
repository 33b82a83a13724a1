#include "holdfast/gate/file_place.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "holdfast/base/identity.h"
#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

using container::RootKind;

constexpr std::size_t kFdinfoLimit = 4096;

/// The mount id of an open file, as /proc/self/mountinfo numbers it; -1 if the kernel does not say.
int mount_id_of(int fd) {
  const UniqueFd dir(::open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto text = kernel::read_file_at(dir.get(), std::to_string(fd).c_str(), kFdinfoLimit);
  if (!text) return -1;
  constexpr std::string_view kKey = "mnt_id:";
  const auto at = text->find(kKey);
  if (at == std::string::npos) return -1;
  const char* begin = text->data() + at + kKey.size();
  const char* const end = text->data() + text->size();
  while (begin != end && (*begin == ' ' || *begin == '\t')) ++begin;
  int id = -1;
  std::from_chars(begin, end, id);
  return id;
}

/// The path that the kernel gives for an open file: through all mounts of the file's own namespace (d_path).
std::string shown_path(int fd) {
  const UniqueFd dir(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto link = kernel::read_link_at(dir.get(), std::to_string(fd).c_str());
  return link ? std::move(*link) : std::string();
}

std::optional<std::string> strip_mount(const kernel::Mount& mount, std::string_view shown) {
  std::string_view rest = shown;
  if (mount.mount_point != "/") {
    if (!rest.starts_with(mount.mount_point)) return std::nullopt;
    rest.remove_prefix(mount.mount_point.size());
    if (!rest.empty() && rest.front() != '/') return std::nullopt;
  }
  std::string path = mount.root == "/" ? std::string() : mount.root;
  path += rest;
  return path.empty() ? "/" : path;
}

std::vector<kernel::Mount> mounts_of(pid_t pid) {
  if (pid <= 0) return {};
  const auto proc = kernel::open_proc(pid);
  if (!proc) return {};
  auto mounts = kernel::read_mountinfo(proc->get());
  return mounts ? std::move(*mounts) : std::vector<kernel::Mount>();
}

const kernel::Mount* find_mount(const std::vector<kernel::Mount>& mounts, int id) {
  const auto found = std::find_if(mounts.begin(), mounts.end(), [id](const kernel::Mount& m) { return m.id == id; });
  return found == mounts.end() ? nullptr : &*found;
}

/// The directory of the superblock that is the container's root: "/" where the superblock is the container's own.
std::optional<std::string> root_in_superblock(const std::vector<kernel::Mount>& mounts, RootKind kind) {
  if (kind == RootKind::overlay) return "/";
  // Mounts may be stacked; the last one is what is seen.
  const auto root = std::find_if(mounts.rbegin(), mounts.rend(), [](const auto& m) { return m.mount_point == "/"; });
  return root == mounts.rend() ? std::nullopt : std::optional(root->root);
}

std::optional<std::string> below_root(std::string path, const std::string& root) {
  if (root == "/") return path;
  if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) return std::nullopt;
  path.erase(0, root.size());
  return path.empty() ? "/" : path;
}

/// By the mount tables of the process and of the container's first process, the only ones that can hold the file's
/// mount. Where the container's root is comes from its first process: any other one may have changed its root.
std::optional<std::string> in_container(int file, std::string_view shown, pid_t pid,
                                        const container::Container& container) {
  const int mount_id = mount_id_of(file);
  const pid_t first = container.first_pid() != 0 ? container.first_pid() : pid;
  const auto own = mounts_of(pid);
  const auto* mount = find_mount(own, mount_id);
  const bool own_is_enough = mount != nullptr && (container.kind() == RootKind::overlay || first == pid);
  const auto firsts = own_is_enough ? std::vector<kernel::Mount>() : mounts_of(first);
  if (mount == nullptr) mount = find_mount(firsts, mount_id);
  auto path = mount != nullptr ? strip_mount(*mount, shown) : std::nullopt;
  const auto root = path ? root_in_superblock(own_is_enough ? own : firsts, container.kind()) : std::nullopt;
  return root ? below_root(std::move(*path), *root) : std::nullopt;
}

UniqueFd open_beneath(int dir, const char* path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, dir, path, &how, sizeof how)));
}

bool same_version(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mode == b.st_mode && file_time(a.st_mtim) == file_time(b.st_mtim) &&
         file_time(a.st_ctim) == file_time(b.st_ctim);
}

}  // namespace

FilePlace locate(int file, pid_t pid, const container::Container& container) {
  FilePlace place;
  place.shown = shown_path(file);
  struct stat st {};
  if (::fstat(file, &st) != 0 || st.st_nlink == 0 || place.shown.ends_with(" (deleted)")) return place;
  place.in_superblock = in_container(file, place.shown, pid, container);
  return place;
}

bool lies_in_snapshot(int file, pid_t pid, const container::Container& snapshot) {
  struct stat st {};
  return ::fstat(file, &st) == 0 && st.st_dev == snapshot.device() &&
         in_container(file, shown_path(file), pid, snapshot).has_value();
}

std::optional<dev_t> superblock_device(int file, pid_t pid) {
  const auto mounts = mounts_of(pid);
  const auto* mount = find_mount(mounts, mount_id_of(file));
  return mount != nullptr ? std::optional(mount->device) : std::nullopt;
}

Result<std::optional<UniqueFd>> open_upper(const container::Container& container, const std::string& in_superblock,
                                           int file) {
  if (container.upper_directory().empty() || in_superblock.size() < 2) {
    return Error{ENOTSUP, "the container's root has no upper layer"};
  }
  const UniqueFd upper(::open(container.upper_directory().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!upper) return errno_error("open the upper layer");
  // O_PATH first: the container may put a device node here at any moment, and opening one acts on the host's device.
  const UniqueFd found = open_beneath(upper.get(), in_superblock.c_str() + 1, O_PATH | O_NOFOLLOW);
  if (!found) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<UniqueFd>();
    return errno_error("look up the upper layer's file");
  }
  struct stat seen {};
  struct stat actual {};
  if (::fstat(file, &seen) != 0 || ::fstat(found.get(), &actual) != 0) return errno_error("stat");
  if (!S_ISREG(actual.st_mode) || !same_version(seen, actual)) {
    return Error{ESTALE, "the upper layer's file at this path is not the one that is executed"};
  }
  UniqueFd real(::open(fmt::format("/proc/self/fd/{}", found.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NOATIME));
  if (!real) return errno_error("open the upper layer's file");
  return std::optional<UniqueFd>(std::move(real));
}

}  // namespace holdfast::gate
