#include "path_open.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::baseline {
namespace {

constexpr std::size_t kStep = PATH_MAX - 1;

UniqueFd open_step(int directory, std::string_view path, int flags) {
  const std::string name(path);
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how);
    // EAGAIN: a rename elsewhere raced with the check of "..", which openat2(2) asks to repeat.
    if (fd < 0 && (errno == EINTR || (errno == EAGAIN && (flags & O_PATH) != 0))) continue;
    return UniqueFd(static_cast<int>(fd));
  }
}

std::string_view without_leading_slashes(std::string_view path) {
  const std::size_t first = path.find_first_not_of('/');
  return first == std::string_view::npos ? std::string_view{} : path.substr(first);
}

}  // namespace

Result<UniqueFd> open_beneath(int root, std::string_view path, int flags) {
  const auto failure = [path](int code) {
    return errno_error(code, fmt::format("cannot open image path {}", printable(path.substr(0, kStep))));
  };
  std::string_view rest = without_leading_slashes(path);
  if (path.size() > kMaxPath) return failure(ENAMETOOLONG);
  if (rest.find('\0') != std::string_view::npos) return failure(ENOENT);
  UniqueFd directory;
  while (rest.size() > kStep) {
    const std::size_t cut = rest.rfind('/', kStep);
    if (cut == std::string_view::npos || cut == 0) return failure(ENAMETOOLONG);
    const int from = directory.valid() ? directory.get() : root;
    UniqueFd next = open_step(from, rest.substr(0, cut), O_PATH | O_DIRECTORY);
    if (!next) return failure(errno);
    directory = std::move(next);
    rest = without_leading_slashes(rest.substr(cut));
  }
  const int from = directory.valid() ? directory.get() : root;
  UniqueFd file = open_step(from, rest.empty() ? std::string_view(".") : rest, flags);
  if (!file) return failure(errno);
  return file;
}

bool means_absent(const Error& error) {
  return error.code == ENOENT || error.code == ENOTDIR || error.code == ELOOP || error.code == EXDEV ||
         error.code == ENAMETOOLONG;
}

}  // namespace holdfast::baseline
