#include "read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::policy {
namespace {

constexpr std::size_t kMaxBytes = 1024UL * 1024;

Error too_large(const std::string& shown) {
  return {EFBIG, fmt::format("{}: the file is too large; at most 1 MiB would be right", printable(shown))};
}

}  // namespace

Result<void> require_administrator(int fd, const std::string& name) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return errno_error(printable(name));
  if (st.st_uid != 0 && st.st_uid != ::geteuid()) {
    return Error{EPERM, fmt::format("{}: owned by uid {}, who could change it; root as its owner would be right",
                                    printable(name), st.st_uid)};
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error{EPERM, fmt::format("{}: others than its owner can write it (mode {:04o}); {} would be right",
                                    printable(name), st.st_mode & 07777, S_ISDIR(st.st_mode) ? "0755" : "0644")};
  }
  return {};
}

Result<std::string> read_file(int directory, const std::string& name, const std::string& shown, Trust trust) {
  // O_NONBLOCK: a FIFO by that name must not hold the service up.
  const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return errno_error(printable(shown));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return errno_error(printable(shown));
  if (!S_ISREG(st.st_mode)) {
    return Error{EINVAL, fmt::format("{}: not a regular file; a text file would be right", printable(shown))};
  }
  if (trust == Trust::administrator) {
    if (auto trusted = require_administrator(fd.get(), shown); !trusted) return trusted.error();
  }
  if (static_cast<std::uint64_t>(st.st_size) > kMaxBytes) return too_large(shown);
  std::string text(kMaxBytes + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(printable(shown));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > kMaxBytes) return too_large(shown);
  text.resize(filled);
  return text;
}

}  // namespace holdfast::policy
