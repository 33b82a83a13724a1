#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstddef>
#include <cstdint>

namespace holdfast {

/// Nanoseconds since the epoch, as the file system stores them. Signed: files from before 1970 exist.
using FileTime = std::int64_t;

/// What tells one version of a file from every other, as seen through an overlay (kernel fact 16). The device is
/// not part of it: it names the superblock, that is the container, and differs between a container's overlay and
/// its image view, where the rest is equal.
struct Identity {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;  ///< bytes
  FileTime mtime = 0;
  FileTime ctime = 0;

  friend auto operator<=>(const Identity&, const Identity&) = default;
};

[[nodiscard]] constexpr FileTime file_time(const timespec& t) {
  return static_cast<FileTime>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

[[nodiscard]] inline Identity identity_of(const struct stat& st) {
  return {st.st_ino, static_cast<std::uint64_t>(st.st_size), file_time(st.st_mtim), file_time(st.st_ctim)};
}

struct IdentityHash {
  [[nodiscard]] std::size_t operator()(const Identity& id) const noexcept {
    std::uint64_t h = id.inode * 0x9e3779b97f4a7c15U;
    h = (h ^ (h >> 32) ^ static_cast<std::uint64_t>(id.ctime)) * 0xd6e8feb86659fd93U;
    h = (h ^ (h >> 32) ^ static_cast<std::uint64_t>(id.mtime) ^ id.size) * 0xd6e8feb86659fd93U;
    return static_cast<std::size_t>(h ^ (h >> 32));
  }
};

}  // namespace holdfast
