#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::cli {

/// The lines of a file of alerts, of bounded size.
class AlertLines {
 public:
  /// "-": standard input.
  [[nodiscard]] static Result<AlertLines> open(const std::string& file);

  /// The next line that is not empty; false at the end. A last line without a newline is a line, too.
  [[nodiscard]] Result<bool> next(std::string& line);

  /// Whether the line is half an alert, as a service leaves it that is killed while it writes. That is said on standard
  /// error and counted: a file with such a line has less in it than it should have, but what it has is right.
  [[nodiscard]] bool leave_out_half(const std::string& line);
  [[nodiscard]] std::uint64_t halves() const { return halves_; }

  /// The error with the file's name and the number of the line that was given last.
  [[nodiscard]] Error where(const Error& error) const;

 private:
  AlertLines(UniqueFd own, int fd, std::string name);
  [[nodiscard]] Result<bool> read_line(std::string& line);
  [[nodiscard]] Result<bool> fill();

  UniqueFd own_;
  int fd_;
  std::string name_;
  std::uint64_t number_ = 0, halves_ = 0;
  std::vector<char> block_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace holdfast::cli
