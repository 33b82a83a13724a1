#include "holdfast/gate/mount_of_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kFdinfoLimit = 4096;

/// Whether the file still has a name; without asking the file system behind it, which may never answer.
bool has_name(int file) {
  struct stat st {};
  return kernel::stat_without_asking(file, st) && st.st_nlink != 0;
}

}  // namespace

int mount_id_of(int file) {
  const UniqueFd dir(::open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto text = kernel::read_file_at(dir.get(), std::to_string(file).c_str(), kFdinfoLimit);
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

std::string shown_path(int file) {
  const UniqueFd dir(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto link = kernel::read_link_at(dir.get(), std::to_string(file).c_str());
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
