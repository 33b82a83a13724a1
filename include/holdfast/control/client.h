#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "holdfast/base/unique_fd.h"
#include "holdfast/control/protocol.h"

namespace holdfast::control {

/// One connection to the service, good for one command. Blocking; not thread-safe.
class Client {
 public:
  /// `unreachable` if nobody answers there, `not_permitted` if the file's mode forbids it.
  [[nodiscard]] static std::variant<Client, Failure> connect(const std::string& socket);

  using OnMessage = std::function<void(Message::Kind, const boost::json::value&)>;
  /// Sends the command and reads to its answer. `patience` bounds the time without a single byte from the service;
  /// nothing: no bound.
  [[nodiscard]] Answer call(std::string_view command, boost::json::object arguments, const OnMessage& on_message,
                            std::optional<std::chrono::milliseconds> patience);

 private:
  explicit Client(UniqueFd socket, std::string name) : socket_(std::move(socket)), name_(std::move(name)) {}
  [[nodiscard]] std::variant<std::string, Failure> next_line(std::optional<std::chrono::milliseconds> patience);

  UniqueFd socket_;
  std::string name_;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< of what has not been given out yet
  std::size_t scanned_ = 0;  ///< up to here there is no newline from `begin_` on
};

}  // namespace holdfast::control
