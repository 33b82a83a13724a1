#pragma once

#include <string_view>
#include <vector>

#include "holdfast/base/result.h"

namespace holdfast::baseline {

/// The components of a name in a tar, without "." and with ".." taken back as runtimes do before they look at any file.
/// An absolute name is meant from the image's root. Refused: a name that leaves the root, or is too long for any
/// kernel.
[[nodiscard]] Result<std::vector<std::string_view>> tar_path(std::string_view name);

}  // namespace holdfast::baseline
