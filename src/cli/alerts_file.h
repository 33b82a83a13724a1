#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"

namespace holdfast::cli {

/// Reads what a `file:` sink of the service has written, an object a line, in its order ("-": standard input), and says
/// how many halves of alerts were left out (AlertLines). An error names the line: a file that is not what it should be
/// must not look like one without alerts.
[[nodiscard]] Result<std::uint64_t> read_alerts_file(
    const std::string& path, const std::function<void(Wall::time_point time, boost::json::object alert)>& take);

}  // namespace holdfast::cli
