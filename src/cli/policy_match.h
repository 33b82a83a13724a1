#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace holdfast::cli {

/// A policy's [Match] on one line: "Image=*/nginx:* Namespace=prod", or "any container".
[[nodiscard]] std::string describe_match(const boost::json::value& match);

}  // namespace holdfast::cli
