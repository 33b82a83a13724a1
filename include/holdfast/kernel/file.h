#pragma once

#include <sys/stat.h>

#include <vector>

namespace holdfast::kernel {

/// The permission bits that let anybody execute a file.
inline constexpr mode_t kAnyExecute = S_IXUSR | S_IXGRP | S_IXOTH;

/// statx(2) from what the kernel knows already (AT_STATX_DONT_SYNC), of what `name` below `directory` leads to, the
/// last link followed; "" for `directory` itself. A FUSE file system of another user namespace refuses to tell anything
/// but the device and the mount: then nothing else is filled in. Never waits for whoever serves a file system.
[[nodiscard]] bool statx_without_asking(int directory, const char* name, unsigned mask, struct statx& found);

/// The same, as fstat(2) and stat(2) have it: what `Identity` and the file's type, mode and owner need. O_PATH will do.
[[nodiscard]] bool stat_without_asking(int fd, struct stat& st);
[[nodiscard]] bool stat_without_asking(int directory, const char* name, struct stat& st);

/// What statx(2) has found, as far as `struct stat` has room for it.
[[nodiscard]] struct stat to_stat(const struct statx& found);

/// The numbers of all descriptors of this process.
[[nodiscard]] std::vector<int> list_descriptors();

}  // namespace holdfast::kernel
