#include "holdfast/kernel/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace holdfast::kernel {

struct stat to_stat(const struct statx& found) {
  struct stat st {};
  st.st_dev = makedev(found.stx_dev_major, found.stx_dev_minor);
  st.st_ino = found.stx_ino;
  st.st_nlink = found.stx_nlink;
  st.st_mode = found.stx_mode;
  st.st_uid = found.stx_uid;
  st.st_gid = found.stx_gid;
  st.st_size = static_cast<off_t>(found.stx_size);
  st.st_mtim = {found.stx_mtime.tv_sec, static_cast<long>(found.stx_mtime.tv_nsec)};
  st.st_ctim = {found.stx_ctime.tv_sec, static_cast<long>(found.stx_ctime.tv_nsec)};
  return st;
}

bool statx_without_asking(int directory, const char* name, unsigned mask, struct statx& found) {
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  constexpr unsigned kNothing = 0;
  if (::statx(directory, name, kFlags, mask, &found) == 0) return true;
  return errno == EACCES && ::statx(directory, name, kFlags, kNothing, &found) == 0;
}

bool stat_without_asking(int directory, const char* name, struct stat& st) {
  struct statx found {};
  if (!statx_without_asking(directory, name, STATX_BASIC_STATS, found)) return false;
  st = to_stat(found);
  return true;
}

bool stat_without_asking(int fd, struct stat& st) { return stat_without_asking(fd, "", st); }

std::vector<int> list_descriptors() {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  while (directory) {
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    int number = -1;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, number).ptr == end && number >= 0) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace holdfast::kernel
