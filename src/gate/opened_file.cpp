#include "holdfast/gate/opened_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostMaps = std::size_t{4} << 20;
constexpr int kMostDescriptors = 4096;

bool is_file(int directory, const char* name, dev_t device, ino_t inode) {
  struct stat st {};
  return kernel::stat_without_asking(directory, name, st) && st.st_ino == inode && st.st_dev == device;
}

}  // namespace

bool has_mapped(int proc_dir, ino_t inode) {
  const auto maps = kernel::read_file_at(proc_dir, "maps", kMostMaps);
  if (!maps) return maps.error().code == EFBIG;  // nobody hides by having many
  // "begin-end perms offset major:minor inode   path": a path cannot imitate it, it has no line feeds and comes last.
  const auto wanted = fmt::format("{}", inode);
  std::string_view rest = *maps;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
    for (int field = 0; field < 4; ++field) line.remove_prefix(std::min(line.size(), line.find(' ') + 1));
    if (line.substr(0, line.find(' ')) == wanted) return true;
  }
  return false;
}

bool has_open_for_writing(int proc_dir, dev_t device, ino_t inode) {
  UniqueFd opened(::openat(proc_dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return false;
  const std::unique_ptr<DIR, decltype([](DIR* dir) { ::closedir(dir); })> directory(::fdopendir(opened.get()));
  if (!directory) return false;
  const int fd = opened.release();
  for (int seen = 0; seen < kMostDescriptors; ++seen) {
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) return false;
    struct stat link {};
    if (::fstatat(fd, entry->d_name, &link, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(link.st_mode)) continue;
    // The link's own mode says how the file was opened (proc(5)).
    if ((link.st_mode & S_IWUSR) != 0 && is_file(fd, entry->d_name, device, inode)) return true;
  }
  return false;
}

}  // namespace holdfast::gate
