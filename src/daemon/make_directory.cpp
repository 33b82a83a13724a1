#include "holdfast/daemon/make_directory.h"

#include <fmt/format.h>

namespace holdfast::daemon {

Result<void> make_directory(const std::string& path, std::filesystem::perms mode) {
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) std::filesystem::permissions(path, mode, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  return Error{error.value(), fmt::format("cannot make the directory {}: {}", path,
                                          error ? error.message() : "something else is there")};
}

}  // namespace holdfast::daemon
