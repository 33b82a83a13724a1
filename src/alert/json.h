#pragma once

#include <boost/json/object.hpp>

#include "holdfast/alert/alert.h"

namespace holdfast::alert {

/// The alert as interface.md names its fields; unknown ones are absent.
[[nodiscard]] boost::json::object json_object(const Alert& alert);

}  // namespace holdfast::alert
