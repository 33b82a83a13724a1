#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "holdfast/cli/command.h"

namespace holdfast::cli {

/// What `baseline verify` and `baseline rebuild` share: the bar while the service reads images again, a line for each
/// difference, and the summary. The status is `finding` if anything differs or could not be read.
[[nodiscard]] Status reread(const Invocation& invocation, std::string_view command, boost::json::object arguments);

}  // namespace holdfast::cli
