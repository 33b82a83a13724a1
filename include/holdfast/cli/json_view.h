#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace holdfast::cli {

// Reading answers without trusting their shape: what is missing or of another type is empty, zero or false. Texts come
// back safe to print.

[[nodiscard]] std::string text_of(const boost::json::value& value, std::string_view key);
[[nodiscard]] std::uint64_t number_of(const boost::json::value& value, std::string_view key);
[[nodiscard]] bool flag_of(const boost::json::value& value, std::string_view key);
[[nodiscard]] const boost::json::value& member_of(const boost::json::value& value, std::string_view key);
[[nodiscard]] const boost::json::array& list_of(const boost::json::value& value, std::string_view key);
/// What an empty text looks like in a table.
[[nodiscard]] std::string or_dash(const std::string& text);
/// A list of texts, joined.
[[nodiscard]] std::string joined(const boost::json::value& value, std::string_view key, std::string_view separator);

/// A container's name, else the start of its id, else "?".
[[nodiscard]] std::string container_label(const boost::json::value& container);
/// The first characters of an id: enough for people, and a prefix that commands take.
[[nodiscard]] std::string short_id(std::string_view id);
/// An RFC 3339 member in local time, or "-".
[[nodiscard]] std::string time_of(const boost::json::value& value, std::string_view key);

}  // namespace holdfast::cli
