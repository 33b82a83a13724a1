#include "hasher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/hash.h"

#include "digest.h"
#include "path_open.h"
#include "proof.h"

namespace holdfast::baseline {
namespace {

constexpr std::size_t kBlock = std::size_t{256} * 1024;

/// Same file, same version.
Result<void> expect_identity(int fd, std::string_view path, const Identity& identity) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return errno_error(fmt::format("cannot stat image file {}", printable(path)));
  if (S_ISREG(st.st_mode) && identity_of(st) == identity) return {};
  return errno_error(ESTALE, fmt::format("image file {} is not the one that was recorded", printable(path)));
}

void wait_for_proof(const Identity& identity) {
  const FileTime missing = identity.ctime + kProofAge - wall_now();
  if (missing > 0 && missing <= kProofAge) std::this_thread::sleep_for(std::chrono::nanoseconds(missing));
}

}  // namespace

FileTime wall_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return file_time(now);
}

Sha256 hash_bytes(std::string_view bytes) {
  Digest digest;
  digest.update(bytes.data(), bytes.size());
  return digest.finish();
}

Result<Sha256> hash_until(int fd, std::uint64_t size, const StopCode& stop) {
  const std::size_t block = static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 1, kBlock));
  const auto buffer = std::make_unique_for_overwrite<char[]>(block);
  if (size > block) ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  Digest digest;
  for (std::uint64_t done = 0; done < size;) {
    if (const int code = stop(); code != 0) return errno_error(code, "hashing a file");
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block, size - done));
    const ssize_t got = ::pread(fd, buffer.get(), wanted, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("hashing a file");
    if (got == 0) return errno_error(EIO, "hashing a file: it ends early");
    digest.update(buffer.get(), static_cast<std::size_t>(got));
    done += static_cast<std::uint64_t>(got);
  }
  return digest.finish();
}

Result<Sha256> hash_file(int fd, std::uint64_t size, Steady::time_point deadline) {
  return hash_until(fd, size, [deadline] { return Steady::now() >= deadline ? ETIMEDOUT : 0; });
}

Result<HashedFile> hash_at(int root, std::string_view path, const Identity& identity, const HashRules& rules,
                           const StopCode& stop) {
  // O_NONBLOCK: if it became a fifo meanwhile, nobody waits for its writer.
  auto file = open_beneath(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return file.error();
  if (rules.settle && rules.trust_times) wait_for_proof(identity);
  const FileTime seen = wall_now();
  if (auto same = expect_identity(file->get(), path, identity); !same) return same.error();
  auto sha256 = hash_until(file->get(), identity.size, stop);
  if (!sha256) return Error{sha256.error().code, fmt::format("{}: {}", printable(path), sha256.error().message)};
  if (auto same = expect_identity(file->get(), path, identity); !same) return same.error();
  return HashedFile{*sha256, rules.trust_times && proven_at(identity, seen)};
}

}  // namespace holdfast::baseline
