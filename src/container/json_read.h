#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "holdfast/base/result.h"

namespace holdfast::container {

// Reading of JSON that somebody else wrote: a wrong type is as good as a missing member.

/// At most 32 levels deep.
[[nodiscard]] Result<boost::json::value> parse_json(std::string_view text);
[[nodiscard]] const boost::json::object* object_at(const boost::json::object& in, std::string_view key);
[[nodiscard]] std::string string_at(const boost::json::object& in, std::string_view key);
/// Members with string values, at most `limit` of them.
[[nodiscard]] std::map<std::string, std::string> strings_at(const boost::json::object& in, std::string_view key,
                                                            std::size_t limit);

}  // namespace holdfast::container
