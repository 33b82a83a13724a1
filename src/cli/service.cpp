#include "holdfast/cli/service.h"

#include "holdfast/base/text.h"
#include "holdfast/cli/output.h"

namespace holdfast::cli {

Reply ask(const Invocation& invocation, std::string_view command, boost::json::object arguments,
          const control::Client::OnMessage& on_message, std::optional<std::chrono::milliseconds> patience) {
  const auto fail = [](const control::Failure& failure) {
    complain(control::readable(failure.message));
    return Reply{failure.status, {}};
  };
  auto client = control::Client::connect(invocation.socket);
  if (const auto* failure = std::get_if<control::Failure>(&client)) return fail(*failure);
  auto answer = std::get<control::Client>(client).call(command, std::move(arguments), on_message, patience);
  if (const auto* failure = std::get_if<control::Failure>(&answer)) return fail(*failure);
  return {Status::fine, std::move(std::get<boost::json::value>(answer))};
}

boost::json::value argument(std::string_view text) { return boost::json::string(printable(text)); }

}  // namespace holdfast::cli
