#include "holdfast/baseline/baseline_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::baseline {
namespace {

constexpr off_t kMostFile = off_t{1024} * 1024 * 1024;

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno_error("cannot write");
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

/// A file that is gone unless it is kept.
class Draft {
 public:
  explicit Draft(const std::string& path)
      : path_(fmt::format("{}.{}.tmp", path, ::getpid())),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666)) {}
  ~Draft() {
    if (fd_) ::unlink(path_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  Result<void> fill(std::string_view text) {
    if (!fd_) return errno_error("cannot create");
    if (auto done = write_all(fd_.get(), text); !done) return done;
    return ::fsync(fd_.get()) == 0 ? Result<void>() : errno_error("cannot write");
  }
  Result<void> keep_as(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return errno_error("cannot put it in its place");
    fd_.reset();
    return {};
  }

 private:
  const std::string path_;
  UniqueFd fd_;
};

Error about(const std::string& path, const Error& error) {
  return {error.code, fmt::format("{}: {}", printable(path), error.message)};
}

Result<std::string> read_all(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return errno_error("cannot open");
  if (!S_ISREG(st.st_mode)) return Error{EINVAL, "is no regular file"};
  if (st.st_size > kMostFile) return Error{EFBIG, "is larger than any baseline file"};
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t got = ::read(fd.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("cannot read");
    if (got == 0) return Error{EIO, "became shorter while it was read"};
    done += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace

Result<void> write_baseline_file(const std::string& path, const std::vector<ImageListing>& images) {
  Draft draft(path);
  if (auto done = draft.fill(baseline_text(images)); !done) return about(path, done.error());
  if (auto done = draft.keep_as(path); !done) return about(path, done.error());
  return {};
}

Result<std::vector<ImageListing>> read_baseline_file(const std::string& path) {
  auto text = read_all(path);
  if (!text) return about(path, text.error());
  auto images = parse_baseline_text(*text);
  if (!images) return about(path, images.error());
  return images;
}

}  // namespace holdfast::baseline
