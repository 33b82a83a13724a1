#pragma once

#include <string>

#include "holdfast/alert/alert.h"

namespace holdfast::alert {

/// "downloaded by curl (pid 4121) 3s before", `at` being when the file was executed. Printable.
[[nodiscard]] std::string origin(const WriterInfo& writer, Wall::time_point at);

}  // namespace holdfast::alert
