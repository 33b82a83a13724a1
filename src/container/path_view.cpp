#include "path_view.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::container {
namespace {

Result<UniqueFd> open_how(int directory, const std::string& path, int flags, std::uint64_t resolve) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.resolve = resolve;
  // EAGAIN: a rename or mount somewhere raced with the resolution; the kernel asks to try again.
  constexpr int kAttempts = 8;
  for (int attempt = 0;; ++attempt) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
    if (fd) return fd;
    if (errno != EAGAIN || attempt == kAttempts) return errno_error(fmt::format("open {}", printable(path)));
  }
}

}  // namespace

Result<UniqueFd> open_in_root(int root, const std::string& path, int flags) {
  return open_how(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<UniqueFd> open_beneath(int directory, const std::string& path, int flags) {
  return open_how(directory, path, flags,
                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

Result<UniqueFd> open_state_file(int directory, const std::string& path) {
  // First O_PATH, then a look at what it is: opening a device or a FIFO could already do something.
  auto found = open_beneath(directory, path, O_PATH);
  if (!found) return found.error();
  struct stat st {};
  if (::fstat(found->get(), &st) != 0) return errno_error(fmt::format("stat {}", printable(path)));
  if (!S_ISREG(st.st_mode)) return Error{EINVAL, fmt::format("{} is not a regular file", printable(path))};
  UniqueFd file(
      ::open(fmt::format("/proc/self/fd/{}", found->get()).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return errno_error(fmt::format("open {}", printable(path)));
  return file;
}

Result<std::string> read_state_file(int directory, const std::string& path, std::size_t limit) {
  const auto file = open_state_file(directory, path);
  if (!file) return file.error();
  struct stat st {};
  if (::fstat(file->get(), &st) != 0) return errno_error(fmt::format("stat {}", printable(path)));
  if (st.st_size < 0 || static_cast<std::uint64_t>(st.st_size) > limit) {
    return errno_error(EFBIG, fmt::format("read {}", printable(path)));
  }
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const auto n = ::read(file->get(), text.data() + used, text.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(fmt::format("read {}", printable(path)));
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  text.resize(used);
  return text;
}

std::string host_path(int fd) {
  const auto link = kernel::read_link_at(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd).c_str());
  return link && link->starts_with('/') ? *link : std::string{};
}

}  // namespace holdfast::container
