#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "holdfast/base/result.h"

namespace holdfast::control {

// The language of the control socket: a stream of lines, each one JSON object. A client sends one request,
//   {"command":"status", …arguments}
// and reads any number of {"item":…} and {"progress":…} and then exactly one
//   {"ok":true,"result":…}  or  {"ok":false,"error":{"status":1..4,"message":"…"}}
// after which the service closes the connection. Names and paths that may hold any byte travel as
// holdfast::printable() makes them, in both directions.

inline constexpr std::size_t kMaxRequest = std::size_t{64} * 1024;            ///< bytes, newline included
inline constexpr std::size_t kMaxAnswerLine = std::size_t{64} * 1024 * 1024;  ///< bytes

/// The exit statuses of interface.md.
enum class Status { fine = 0, finding = 1, bad_input = 2, unreachable = 3, not_permitted = 4 };

/// Why a command has no result, for people.
struct Failure {
  Status status = Status::bad_input;
  std::string message;
};

/// What a command ends with.
using Answer = std::variant<boost::json::value, Failure>;

/// One command with its arguments. Written by a client: nothing of it is trusted but its shape.
struct Request {
  std::string command;
  boost::json::object arguments;

  /// An error if there are arguments other than these.
  [[nodiscard]] Result<void> only(std::initializer_list<std::string_view> names) const;
  /// A string's bytes, printable() undone; absent: nothing; another type: an error.
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view name) const;
  /// The same, but it must be there and not be empty.
  [[nodiscard]] Result<std::string> required_text(std::string_view name) const;
  /// A boolean; absent: false.
  [[nodiscard]] Result<bool> flag(std::string_view name) const;
  /// A whole number from 0 on; absent: nothing.
  [[nodiscard]] Result<std::optional<std::int64_t>> number(std::string_view name) const;
};

/// Parses one line without its newline. Pure; bounded in size (kMaxRequest) and depth.
[[nodiscard]] Result<Request> parse_request(std::string_view line);

/// What a client reads: one line of an answer.
struct Message {
  enum class Kind { item, progress, final } kind = Kind::final;
  boost::json::value value;   ///< of an item or progress
  Answer answer = Failure{};  ///< of a final line
};
/// Parses one line without its newline. Pure, bounded in depth.
[[nodiscard]] Result<Message> parse_message(std::string_view line);

[[nodiscard]] std::string request_line(std::string_view command, boost::json::object arguments);
[[nodiscard]] std::string item_line(const boost::json::value& item);
[[nodiscard]] std::string progress_line(const boost::json::value& progress);
[[nodiscard]] std::string answer_line(const Answer& answer);

/// The bytes that holdfast::printable() was given; an error if it cannot have made `text`.
[[nodiscard]] Result<std::string> parse_printable(std::string_view text);

/// Makes text that printable() may have made already safe to show: what is safe stays as it is, backslashes too. Not
/// reversible.
[[nodiscard]] std::string readable(std::string_view text);

}  // namespace holdfast::control
