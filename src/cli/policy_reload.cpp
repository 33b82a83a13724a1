#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

Status run_reload(const Invocation& invocation) {
  const Reply reply = ask(invocation, "policy.reload");
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
  } else {
    print(fmt::format("Reloaded: {} policies, the default among them.\n", number_of(reply.value, "policies")));
  }
  return Status::fine;
}

}  // namespace

Command policy_reload_command() {
  return {.name = "policy reload",
          .synopsis = "",
          .summary = "have the service read its settings and policies again",
          .details =
              "Reads settings and policies again, as SIGHUP does, and gives every container its policy anew. "
              "On a mistake in any file all old ones stay, the mistake is told, and the exit status is 2.",
          .options = {},
          .words = {},
          .run = run_reload};
}

}  // namespace holdfast::cli
