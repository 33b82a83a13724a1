#include "alert_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "holdfast/alert/read.h"
#include "holdfast/base/text.h"
#include "holdfast/cli/output.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kBlock = 65536;

}  // namespace

Result<AlertLines> AlertLines::open(const std::string& file) {
  if (file == "-") return AlertLines({}, STDIN_FILENO, "standard input");
  UniqueFd own(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!own) return errno_error(fmt::format("{}: cannot open", printable(file)));
  const int fd = own.get();
  return AlertLines(std::move(own), fd, file);
}

AlertLines::AlertLines(UniqueFd own, int fd, std::string name)
    : own_(std::move(own)), fd_(fd), name_(std::move(name)), block_(kBlock) {}

Result<bool> AlertLines::next(std::string& line) {
  while (true) {
    auto more = read_line(line);
    if (!more || !*more || !line.empty()) return more;
  }
}

Result<bool> AlertLines::read_line(std::string& line) {
  line.clear();
  ++number_;
  while (true) {
    if (begin_ == end_) {
      const auto filled = fill();
      if (!filled) return filled.error();
      if (!*filled) return !line.empty();
    }
    const std::string_view rest(block_.data() + begin_, end_ - begin_);
    const std::size_t newline = rest.find('\n');
    line.append(rest.substr(0, newline));
    if (line.size() > alert::kMaxRecord) {
      return where({EFBIG, fmt::format("the line is longer than {} bytes", alert::kMaxRecord)});
    }
    begin_ += newline == std::string_view::npos ? rest.size() : newline + 1;
    if (newline != std::string_view::npos) return true;
  }
}

Result<bool> AlertLines::fill() {
  while (true) {
    const ssize_t got = ::read(fd_, block_.data(), block_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(fmt::format("{}: cannot read", printable(name_)));
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
    return got > 0;
  }
}

bool AlertLines::leave_out_half(const std::string& line) {
  if (!alert::is_half_a_record(line)) return false;
  ++halves_;
  complain(where({0, "left out: half an alert, as a service leaves it that is killed while it writes"}).message);
  return true;
}

Error AlertLines::where(const Error& error) const {
  return {error.code, fmt::format("{}:{}: {}", printable(name_), number_, error.message)};
}

}  // namespace holdfast::cli
