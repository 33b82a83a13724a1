#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/table.h"
#include "holdfast/cli/units.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

Table::Cell mode_cell(const json::value& container) {
  const std::string mode = or_dash(text_of(container, "mode"));
  if (member_of(container, "override").is_object()) return {mode + " (override)", Colour::yellow};
  if (mode == "prevent") return {mode, Colour::green};
  return {mode, mode == "off" ? Colour::yellow : Colour::none};
}

Table::Cell baseline_cell(const json::value& container) {
  const std::string state = text_of(member_of(container, "baseline"), "state");
  return {or_dash(state), state == "failed" ? Colour::red : Colour::none};
}

Table::Cell drift_cell(const json::value& container) {
  const auto count = number_of(container, "drift_count");
  return {human_count(count), count > 0 ? Colour::red : Colour::none};
}

/// "yes"; "no"; or "late": it is now, but was not always.
Table::Cell mediated_cell(const json::value& container) {
  if (!flag_of(container, "mediated")) return {"no", Colour::red};
  if (!list_of(container, "exposures").empty()) return {"late", Colour::yellow};
  return {"yes"};
}

Status run_containers(const Invocation& invocation) {
  const Reply reply = ask(invocation, "containers");
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
    return Status::fine;
  }
  Table table({{"ID"},
               {"NAME", Table::Align::left, true},
               {"IMAGE", Table::Align::left, true},
               {"MODE"},
               {"POLICY", Table::Align::left, true},
               {"BASELINE"},
               {"DRIFT", Table::Align::right},
               {"MEDIATED"}});
  for (const auto& container : list_of(reply.value, "containers")) {
    table.add({{or_dash(short_id(text_of(container, "id")))},
               {or_dash(text_of(container, "name"))},
               {or_dash(text_of(container, "image"))},
               mode_cell(container),
               {or_dash(text_of(container, "policy"))},
               baseline_cell(container),
               drift_cell(container),
               mediated_cell(container)});
  }
  print(table.empty() ? "No containers.\n" : table.render(invocation.out));
  return Status::fine;
}

}  // namespace

Command containers_command() {
  return {.name = "containers",
          .synopsis = "",
          .summary = "a line per container: mode, policy, baseline, drift",
          .details =
              "Lists the containers that the service knows, oldest first. BASELINE: walking, hashing, complete "
              "or failed. DRIFT: how many drift attempts were judged. MEDIATED: yes; late (it is, but was not "
              "all the time; `holdfast status` says why); no. Containers that cannot be protected at all are the "
              "last ones.",
          .options = {},
          .words = {},
          .run = run_containers};
}

}  // namespace holdfast::cli
