#include "holdfast/gate/mount_of_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/kernel/file.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

/// Whether the file still has a name; without asking the file system behind it, which may never answer.
bool has_name(int file) {
  struct stat st {};
  return kernel::stat_without_asking(file, st) && st.st_nlink != 0;
}

}  // namespace

int mount_id_of(int file) {
  struct statx found {};
  const bool told = kernel::statx_without_asking(file, "", STATX_MNT_ID, found) && (found.stx_mask & STATX_MNT_ID) != 0;
  return told ? static_cast<int>(found.stx_mnt_id) : -1;
}

std::string shown_path(int file) {
  auto link = kernel::read_link_at(AT_FDCWD, fmt::format("/proc/self/fd/{}", file).c_str());
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

std::optional<FileMount> mount_of_file(int file, pid_t pid, const container::Container& container) {
  const int id = mount_id_of(file);
  for (const pid_t one : {pid, container.first_pid()}) {
    const auto mounts = mounts_of(one);
    const auto* mount = find_mount(mounts, id);
    if (mount == nullptr) continue;
    FileMount found{*mount, std::nullopt};
    const auto shown = shown_path(file);
    if (has_name(file) && !shown.ends_with(" (deleted)")) found.in_superblock = strip_mount(*mount, shown);
    return found;
  }
  return std::nullopt;
}

}  // namespace holdfast::gate
