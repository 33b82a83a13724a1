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

/// What wants somebody to look stands out.
Table::Cell count_to_look_at(std::uint64_t count) {
  return {human_count(count), count > 0 ? Colour::yellow : Colour::none};
}

Status run_policy_list(const Invocation& invocation) {
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
               {"VOLUME", Table::Align::right},
               {"UNUSED", Table::Align::right},
               {"EXPIRED", Table::Align::right},
               {"MATCH", Table::Align::left, true}});
  for (const auto& policy : list_of(reply.value, "policies")) {
    table.add({{text_of(policy, "name")},
               {text_of(policy, "mode")},
               {human_count(number_of(policy, "containers"))},
               {human_count(number_of(policy, "allow_rules"))},
               {human_count(number_of(policy, "deny_rules"))},
               {human_count(number_of(policy, "volume_rules"))},
               {human_count(list_of(policy, "unused").size())},
               count_to_look_at(list_of(policy, "expired").size()),
               {describe_match(member_of(policy, "match"))}});
  }
  print(table.render(invocation.out));
  return Status::fine;
}

}  // namespace

Command policy_list_command() {
  return {
      .name = "policy list",
      .synopsis = "",
      .summary = "the policies in effect",
      .details =
          "Lists the policies in the order in which they are tried: the first whose [Match] fits a "
          "container is its policy; `default` is for all others. CONTAINERS: how many have it now. ALLOW, "
          "DENY and VOLUME: how many such sections it has. UNUSED and EXPIRED: how many of the exceptions were never "
          "used since the service started or they came, and how many have ended; `policy show` names them.",
      .options = {},
      .words = {},
      .run = run_policy_list};
}

}  // namespace holdfast::cli
