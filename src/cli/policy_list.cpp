#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/table.h"
#include "holdfast/cli/units.h"

#include "commands.h"
#include "policy_match.h"

namespace holdfast::cli {
namespace {

Status run_list(const Invocation& invocation) {
  const Reply reply = ask(invocation, "policy.list");
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
    return Status::fine;
  }
  Table table({{"POLICY"},
               {"MODE"},
               {"CONTAINERS", Table::Align::right},
               {"ALLOW", Table::Align::right},
               {"DENY", Table::Align::right},
               {"MATCH", Table::Align::left, true}});
  for (const auto& policy : list_of(reply.value, "policies")) {
    table.add({{text_of(policy, "name")},
               {text_of(policy, "mode")},
               {human_count(number_of(policy, "containers"))},
               {human_count(number_of(policy, "allow_rules"))},
               {human_count(number_of(policy, "deny_rules"))},
               {describe_match(member_of(policy, "match"))}});
  }
  print(table.render(invocation.out));
  return Status::fine;
}

}  // namespace

Command policy_list_command() {
  return {.name = "policy list",
          .synopsis = "",
          .summary = "the policies in effect",
          .details =
              "Lists the policies in the order in which they are tried: the first whose [Match] fits a "
              "container is its policy; `default` is for all others. CONTAINERS: how many have it now. ALLOW "
              "and DENY: its exceptions and prohibitions.",
          .options = {},
          .words = {},
          .run = run_list};
}

}  // namespace holdfast::cli
