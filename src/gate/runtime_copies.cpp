#include "holdfast/gate/runtime_copies.h"

#include <fcntl.h>

#include <chrono>

#include <fmt/format.h>

#include "holdfast/baseline/hash.h"

namespace holdfast::gate {
namespace {

constexpr auto kCopyHashTime = std::chrono::seconds(2);

std::optional<Sha256> hash(int file, std::uint64_t size) {
  const auto found = baseline::hash_file(file, size, Steady::now() + kCopyHashTime);
  return found ? std::optional(*found) : std::nullopt;
}

}  // namespace

void RuntimeCopies::set(const std::vector<int>& binaries) {
  std::vector<Binary> next;
  for (const int binary : binaries) {
    Binary one;
    struct stat st {};
    one.file = UniqueFd(::open(fmt::format("/proc/self/fd/{}", binary).c_str(), O_RDONLY | O_CLOEXEC));
    if (!one.file || ::fstat(one.file.get(), &st) != 0) continue;
    one.identity = identity_of(st);
    next.push_back(std::move(one));
  }
  const std::lock_guard lock(mutex_);
  binaries_ = std::move(next);
}

bool RuntimeCopies::contains(const struct stat& executed, int proc_dir, bool memfd) {
  const Identity identity = identity_of(executed);
  const std::lock_guard lock(mutex_);
  UniqueFd file;
  std::optional<Sha256> content;
  for (auto& binary : binaries_) {
    if (binary.identity == identity) return true;
    if (!memfd || binary.identity.size != identity.size || identity.size == 0) continue;
    if (!file) {
      file = UniqueFd(::openat(proc_dir, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
      content = hash(file.get(), identity.size);
    }
    if (!binary.hash) binary.hash = hash(binary.file.get(), identity.size);
    if (content && binary.hash == content) return true;
  }
  return false;
}

}  // namespace holdfast::gate
