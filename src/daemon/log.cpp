#include "holdfast/daemon/log.h"

#include <fmt/format.h>
#include <unistd.h>

namespace holdfast::daemon {

void log_line(std::string_view text) {
  const std::string line = fmt::format("holdfastd: {}\n", text);
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace holdfast::daemon
