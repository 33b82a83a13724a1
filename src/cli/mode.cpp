#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/time_spec.h"
#include "holdfast/cli/units.h"
#include "holdfast/policy/override.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

Status wrong(std::string_view what) {
  complain(what);
  return Status::bad_input;
}

std::string label(const json::value& answer) {
  const auto& container = member_of(answer, "container");
  const std::string image = text_of(container, "image");
  return container_label(container) + (image.empty() ? "" : fmt::format(" ({})", image));
}

/// The request's arguments, or what is wrong with what was typed.
Result<json::object> read_wish(const Arguments& arguments) {
  if (arguments.words.size() != 2) return Error{0, "a mode is missing; off, detect or prevent would be right"};
  const auto mode = policy::parse_mode(arguments.words[1]);
  if (!mode) return Error{0, "that is not a mode; off, detect or prevent would be right"};
  const auto typed = arguments.value("for");
  if (!typed) return Error{0, "an override needs an end; --for 15m would be right"};
  const auto duration = parse_span(*typed);
  if (!duration) return duration.error();
  const std::string reason = arguments.value("reason").value_or("");
  if (auto fine = policy::check_override(*duration, reason); !fine) return fine.error();
  return json::object{{"container", argument(arguments.words[0])},
                      {"mode", argument(arguments.words[1])},
                      {"seconds", duration->count()},
                      {"reason", argument(reason)}};
}

Status set(const Invocation& invocation) {
  auto wish = read_wish(invocation.arguments);
  if (!wish) return wrong(wish.error().message);
  const Reply reply = ask(invocation, "mode.set", std::move(*wish));
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
    return Status::fine;
  }
  const auto& given = member_of(reply.value, "override");
  const auto left = std::chrono::seconds(static_cast<std::int64_t>(number_of(given, "seconds_left")));
  print(fmt::format("{}: mode {} until {} ({}), then its policy's again: {}.\n", label(reply.value),
                    text_of(given, "mode"), time_of(given, "until"), human_span(left),
                    text_of(reply.value, "policy_mode")));
  return Status::fine;
}

Status end(const Invocation& invocation) {
  const auto& arguments = invocation.arguments;
  if (arguments.words.size() != 1 || arguments.value("for")) {
    return wrong("--end takes a container, and a --reason if you like, but neither a mode nor --for");
  }
  json::object request{{"container", argument(arguments.words[0])}};
  if (const auto reason = arguments.value("reason")) request["reason"] = argument(*reason);
  const Reply reply = ask(invocation, "mode.end", std::move(request));
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
  } else {
    print(fmt::format("{}: the override to {} has ended.\n", label(reply.value),
                      text_of(member_of(reply.value, "override"), "mode")));
  }
  return Status::fine;
}

Status run_mode(const Invocation& invocation) {
  return invocation.arguments.has("end") ? end(invocation) : set(invocation);
}

}  // namespace

Command mode_command() {
  return {.name = "mode",
          .synopsis = "CONTAINER off|detect|prevent --for TIME --reason TEXT",
          .summary = "override a container's mode for a limited time",
          .details =
              "Sets a container's mode apart from its policy, at once, for at most 7 days. It ends by itself, also "
              "if the service is restarted meanwhile, and stays through reloads of policies. That it begins, is "
              "replaced and ends is an alert with who asked and why. TIME is a span (15m, 2h, 1h30m). For longer, "
              "write a policy. `holdfast mode CONTAINER --end` ends it early.",
          .options = {{"for", 0, "TIME", "how long, from 1s to 7d"},
                      {"reason", 0, "TEXT", "why: for the alert and for `status`"},
                      {"end", 0, "", "end the container's override now"}},
          .words = {1, 2},
          .run = run_mode};
}

}  // namespace holdfast::cli
