#pragma once

#include <filesystem>
#include <string>

#include "holdfast/base/result.h"

namespace holdfast::daemon {

/// Makes a directory, and those above it, with this mode; one that is there stays as it is.
[[nodiscard]] Result<void> make_directory(const std::string& path, std::filesystem::perms mode);

}  // namespace holdfast::daemon
