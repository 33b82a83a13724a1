#include "holdfast/gate/file_place.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "holdfast/base/identity.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/mount_of_file.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

using container::RootKind;

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

/// Whether a process has the container's root directory as its own "/".
bool lives_at_root(pid_t pid, const container::Container& container) {
  const UniqueFd root(::open(fmt::format("/proc/{}/root", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto key = root ? container::root_key_of(root.get()) : Result<container::RootKey>(errno_error("open"));
  return key && *key == container.key();
}

/// Through which process's table a container's root is seen. Its first process's, if this one has changed its root.
pid_t reference_for(pid_t pid, const container::Container& container) {
  const pid_t first = container.first_pid();
  const bool own = first == 0 || (container.kind() == RootKind::snapshot && lives_at_root(pid, container));
  return own ? pid : first;
}

/// By the mount tables of the process and of the container's first process, the only ones that can hold the file's
/// mount.
std::optional<std::string> in_container(int file, std::string_view shown, pid_t pid,
                                        const container::Container& container) {
  const int mount_id = mount_id_of(file);
  const auto own = mounts_of(pid);
  // A process that has ended shows nothing, and may end at any moment.
  const pid_t first = own.empty() ? container.first_pid() : reference_for(pid, container);
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

bool lies_on_root(int file, pid_t pid, const container::Container& container) {
  if (container.kind() == RootKind::snapshot) return lies_in_snapshot(file, pid, container);
  struct stat st {};
  if (!kernel::stat_without_asking(file, st)) return false;
  // Layers on several file systems show a pseudo device each (kernel fact 18): then the mount tells.
  return st.st_dev == container.device() || superblock_device(file, pid) == container.device();
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
