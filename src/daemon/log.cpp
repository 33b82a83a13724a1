#include "holdfast/daemon/log.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

namespace holdfast::daemon {

void log_line(std::string_view text) {
  std::string line = fmt::format("holdfastd: {}", text);
  // One line, whatever a library's error text holds.
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace holdfast::daemon
