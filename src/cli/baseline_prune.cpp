#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/time_spec.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

Status run_prune(const Invocation& invocation) {
  boost::json::object arguments;
  if (const auto text = invocation.arguments.value("unused-for")) {
    const auto span = parse_span(*text);
    if (!span) {
      complain(span.error().message);
      return Status::bad_input;
    }
    arguments["unused_seconds"] = span->count();
  }
  if (invocation.arguments.has("imported")) arguments["imported"] = true;
  const Reply reply = ask(invocation, "baseline.prune", std::move(arguments), {}, std::nullopt);
  if (!reply.ok()) return reply.status;
  const auto removed = number_of(reply.value, "removed");
  if (invocation.json) {
    print_json(reply.value);
  } else {
    print(fmt::format("{} baseline{} removed.\n", removed, removed == 1 ? "" : "s"));
  }
  return Status::fine;
}

}  // namespace

Command baseline_prune_command() {
  return {.name = "baseline prune",
          .synopsis = "[--imported] [--unused-for SPAN]",
          .summary = "remove baselines that no container uses",
          .details =
              "Removes the baselines of images that no container has now, and hashes that nothing refers to "
              "any more. An image that comes back is captured again. What was imported stays, unless "
              "--imported asks for it.",
          .options = {{"imported", 0, "", "those that were imported, and only those"},
                      {"unused-for", 0, "SPAN", "only those unused for that long: 12h, 30d"}},
          .words = {},
          .run = run_prune};
}

}  // namespace holdfast::cli
