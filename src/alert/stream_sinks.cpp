#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/alert/format.h"
#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"

#include "sinks.h"

namespace holdfast::alert {
namespace {

class StderrSink final : public Sink {
 public:
  bool write(const Alert& alert) override {
    std::size_t written = 0;
    return write_all(STDERR_FILENO, (for_people_ ? message(alert) : to_json(alert)) + '\n', written);
  }
  [[nodiscard]] std::string name() const override { return "stderr"; }

 private:
  const bool for_people_ = ::isatty(STDERR_FILENO) == 1;
};

constexpr int kOpenFlags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;

/// Opens a sink's file. O_NONBLOCK: a FIFO by that name must be refused, not waited for.
Result<UniqueFd> open_file(const std::string& path, int create, struct stat& st) {
  UniqueFd fd(::open(path.c_str(), kOpenFlags | create, S_IRUSR | S_IWUSR));
  if (!fd || ::fstat(fd.get(), &st) != 0) return errno_error(printable(path));
  if (S_ISREG(st.st_mode)) return fd;
  return Error{EINVAL, fmt::format("{}: not a regular file; a path for a new file would be right", printable(path))};
}

class FileSink final : public Sink {
 public:
  explicit FileSink(std::string path) : path_(std::move(path)) {}

  Result<void> open() {
    auto fd = open_file(path_, O_CREAT, opened_);
    if (!fd) return fd.error();
    fd_ = std::move(*fd);
    torn_ = ends_within_a_line();
    return {};
  }

  bool write(const Alert& alert) override {
    if (moved_away() && !open()) return false;
    const std::string line = (torn_ ? "\n" : "") + to_json(alert) + '\n';
    std::size_t written = 0;
    if (write_all(fd_.get(), line, written)) {
      torn_ = false;
      return true;
    }
    torn_ = torn_ || written > 0;  // a full disk may have taken half a line
    return false;
  }

  [[nodiscard]] std::string name() const override { return "file:" + path_; }

 private:
  /// Log rotation renames the file and expects a new one.
  [[nodiscard]] bool moved_away() const {
    struct stat now {};
    return !fd_ || ::lstat(path_.c_str(), &now) != 0 || now.st_dev != opened_.st_dev || now.st_ino != opened_.st_ino;
  }

  /// A service that was killed may have left half a line.
  [[nodiscard]] bool ends_within_a_line() const {
    char last = '\n';
    return opened_.st_size > 0 && ::pread(fd_.get(), &last, 1, opened_.st_size - 1) == 1 && last != '\n';
  }

  std::string path_;
  UniqueFd fd_;
  struct stat opened_ {};
  bool torn_ = false;  ///< the file ends with half a line, which the next one must not continue
};

}  // namespace

bool write_all(int fd, std::string_view bytes, std::size_t& written) {
  written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    written += static_cast<std::size_t>(count);
  }
  return true;
}

std::unique_ptr<Sink> make_stderr_sink() { return std::make_unique<StderrSink>(); }

Result<void> check_file_sink(const std::string& path) {
  struct stat st {};
  const auto there = open_file(path, 0, st);
  if (there) return {};
  if (there.error().code != ENOENT) return there.error();
  const std::string directory = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  if (::stat(directory.c_str(), &st) == 0 && S_ISDIR(st.st_mode) && ::access(directory.c_str(), W_OK | X_OK) == 0) {
    return {};
  }
  return errno_error(printable(path));
}

Result<std::unique_ptr<Sink>> make_file_sink(const std::string& path) {
  auto sink = std::make_unique<FileSink>(path);
  if (auto opened = sink->open(); !opened) return opened.error();
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace holdfast::alert
