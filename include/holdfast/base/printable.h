#pragma once

#include <string>
#include <string_view>

#include "holdfast/base/result.h"

namespace holdfast {

/// The bytes that printable() was given; an error if it cannot have made `text`.
[[nodiscard]] Result<std::string> parse_printable(std::string_view text);

}  // namespace holdfast
