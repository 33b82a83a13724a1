#include "image_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "holdfast/base/unique_fd.h"

namespace holdfast::baseline {
namespace {

constexpr std::size_t kReadAtOnce = std::size_t{256} * 1024;

}  // namespace

FileStream::FileStream(int fd) : fd_(fd), buffer_(kReadAtOnce, '\0') {}

Result<std::string_view> FileStream::next() {
  for (;;) {
    const ssize_t got = ::read(fd_, buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("it cannot be read");
    return std::string_view(buffer_).substr(0, static_cast<std::size_t>(got));
  }
}

Result<std::unique_ptr<ImageSource>> ImageSource::open(const std::string& path) {
  // O_NONBLOCK: nobody waits for a fifo's writer.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return errno_error("it cannot be opened");
  if (S_ISDIR(st.st_mode)) return open_directory_source(fd.release());
  if (S_ISREG(st.st_mode)) return open_tar_source(fd.release());
  return Error{EINVAL, "it is neither a directory nor a regular file"};
}

}  // namespace holdfast::baseline
