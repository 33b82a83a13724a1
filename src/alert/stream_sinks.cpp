#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

class FileSink final : public Sink {
 public:
  explicit FileSink(std::string path) : path_(std::move(path)) {}

  Result<void> open() {
    // O_NONBLOCK: a FIFO by that name must be refused, not waited for.
    UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
                       S_IRUSR | S_IWUSR));
    if (!fd) return errno_error(printable(path_));
    if (::fstat(fd.get(), &opened_) != 0) return errno_error(printable(path_));
    if (!S_ISREG(opened_.st_mode)) {
      return Error{EINVAL,
                   fmt::format("{}: not a regular file; a path for a new file would be right", printable(path_))};
    }
    fd_ = std::move(fd);
    torn_ = false;
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
    torn_ = torn_ || written > 0;  // a full disk may have taken half a line; the next one must not continue it
    return false;
  }

  [[nodiscard]] std::string name() const override { return "file:" + path_; }

 private:
  /// Log rotation renames the file and expects a new one.
  [[nodiscard]] bool moved_away() const {
    struct stat now {};
    return !fd_ || ::lstat(path_.c_str(), &now) != 0 || now.st_dev != opened_.st_dev || now.st_ino != opened_.st_ino;
  }

  std::string path_;
  UniqueFd fd_;
  struct stat opened_ {};
  bool torn_ = false;
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

Result<std::unique_ptr<Sink>> make_file_sink(const std::string& path) {
  auto sink = std::make_unique<FileSink>(path);
  if (auto opened = sink->open(); !opened) return opened.error();
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace holdfast::alert
