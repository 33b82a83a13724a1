#include "holdfast/gate/evidence.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/hash.h"

namespace holdfast::gate {
namespace {

constexpr std::uint64_t kLeast = 4096;                      // bytes that a copy counts as: no end of tiny files
constexpr std::size_t kBlock = std::size_t{256} << 10;      // bytes
constexpr auto kCountAgainAfter = std::chrono::seconds(1);  // while it is full
constexpr const char* kUnfinished = ".unfinished";

std::uint64_t counted_size(std::uint64_t size) { return std::max(size, kLeast); }

struct Kept {
  std::string name;
  std::uint64_t size = 0;
  std::chrono::sys_seconds time;
};

std::vector<Kept> list(int directory) {
  std::vector<Kept> files;
  UniqueFd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, decltype([](DIR* dir) { ::closedir(dir); })> stream(own ? ::fdopendir(own.get())
                                                                                     : nullptr);
  if (!stream) return files;
  (void)own.release();
  while (const dirent* const entry = ::readdir(stream.get())) {
    struct stat st {};
    if (!parse_sha256(entry->d_name) || ::fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const auto size = counted_size(static_cast<std::uint64_t>(st.st_size));
    files.push_back({entry->d_name, size, std::chrono::sys_seconds(std::chrono::seconds(st.st_mtim.tv_sec))});
  }
  return files;
}

bool write_all(int file, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(file, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Evidence>> Evidence::open(const std::string& directory, const Limits& limits) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return errno_error(fmt::format("make the directory {}", printable(directory)));
  }
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return errno_error(fmt::format("open the directory {}", printable(directory)));
  if (::fchmod(fd.get(), 0700) != 0) return errno_error(fmt::format("close {} to others", printable(directory)));
  std::unique_ptr<Evidence> evidence(new Evidence(std::move(fd), directory, limits));
  evidence->count();
  return evidence;
}

void Evidence::count() {
  used_ = 0;
  for (const Kept& kept : list(directory_.get())) used_ += kept.size;
  counted_ = Steady::now();
}

std::string Evidence::find(const Sha256& sha256) const {
  const std::string name = to_hex(sha256);
  struct stat st {};
  const bool there = ::fstatat(directory_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
  return there ? path_of(name) : std::string();
}

/// An administrator may have taken copies away: what is there is counted again before one is refused.
Result<void> Evidence::make_room(std::uint64_t size) {
  if (used_ + size <= limits_.total) return {};
  const Error full{ENOSPC, fmt::format("{} holds the {} MiB that it may", printable(path_), limits_.total >> 20U)};
  if (size > limits_.total || Steady::now() - counted_ < kCountAgainAfter) return full;
  count();
  auto kept = list(directory_.get());
  std::ranges::sort(kept, {}, &Kept::time);
  const auto until = std::chrono::floor<std::chrono::seconds>(Wall::now()) - limits_.keep_for;
  for (const Kept& oldest : kept) {
    if (used_ + size <= limits_.total || oldest.time > until) break;
    if (::unlinkat(directory_.get(), oldest.name.c_str(), 0) == 0) used_ -= std::min(used_, oldest.size);
  }
  if (used_ + size <= limits_.total) return {};
  return full;
}

/// To the file's end, which may move while it is read: `limit` holds for what is read, whatever size it has.
Result<Sha256> Evidence::copy_to(int file, int copy, std::uint64_t limit, Steady::time_point deadline,
                                 std::uint64_t& size) const {
  std::vector<char> block(kBlock);
  for (size = 0;;) {
    if (Steady::now() >= deadline) return errno_error(ETIMEDOUT, "copy a denied file");
    const ssize_t got = ::pread(file, block.data(), block.size(), static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read a denied file");
    if (got == 0) break;
    size += static_cast<std::uint64_t>(got);
    if (size > limit) return errno_error(EFBIG, "copy a denied file");
    if (!write_all(copy, block.data(), static_cast<std::size_t>(got))) {
      return errno_error(fmt::format("write into {}", printable(path_)));
    }
  }
  // Its name promises its content, after a crash too.
  if (::fdatasync(copy) != 0) return errno_error(fmt::format("write into {}", printable(path_)));
  return baseline::hash_file(copy, size, deadline);
}

Result<Evidence::Copy> Evidence::keep(int file, std::uint64_t limit, Steady::time_point deadline) {
  struct stat st {};
  if (::fstat(file, &st) != 0) return errno_error("look at a denied file");
  if (static_cast<std::uint64_t>(st.st_size) > limit) return errno_error(EFBIG, "copy a denied file");
  if (auto room = make_room(counted_size(static_cast<std::uint64_t>(st.st_size))); !room) return room.error();
  (void)::unlinkat(directory_.get(), kUnfinished, 0);
  const UniqueFd copy(
      ::openat(directory_.get(), kUnfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400));
  if (!copy) return errno_error(fmt::format("make a file in {}", printable(path_)));
  std::uint64_t size = 0;
  const auto sha256 = copy_to(file, copy.get(), limit, deadline, size);
  if (!sha256) {
    (void)::unlinkat(directory_.get(), kUnfinished, 0);
    return sha256.error();
  }
  const std::string name = to_hex(*sha256);
  const bool known = !find(*sha256).empty();
  if (::renameat(directory_.get(), kUnfinished, directory_.get(), name.c_str()) != 0) {
    return errno_error(fmt::format("name a file in {}", printable(path_)));
  }
  if (!known) used_ += counted_size(size);
  return Copy{path_of(name), *sha256};
}

}  // namespace holdfast::gate
