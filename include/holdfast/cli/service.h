#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "holdfast/cli/command.h"
#include "holdfast/control/client.h"

namespace holdfast::cli {

/// What the service answered; a failure has been printed.
struct Reply {
  Status status = Status::fine;
  boost::json::value value;
  [[nodiscard]] bool ok() const { return status == Status::fine; }
};

/// For answers that need no reading of files.
inline constexpr std::chrono::seconds kQuickPatience{30};

/// Sends one command. No `patience`: waits as long as the service works.
[[nodiscard]] Reply ask(const Invocation& invocation, std::string_view command, boost::json::object arguments = {},
                        const control::Client::OnMessage& on_message = {},
                        std::optional<std::chrono::milliseconds> patience = kQuickPatience);

/// Text for an argument: printable(), as the protocol has it.
[[nodiscard]] boost::json::value argument(std::string_view text);

}  // namespace holdfast::cli
