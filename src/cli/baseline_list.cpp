#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/table.h"
#include "holdfast/cli/units.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

Status run_baseline_list(const Invocation& invocation) {
  const Reply reply = ask(invocation, "baseline.list");
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
    return Status::fine;
  }
  Table table({{"BASELINE"},
               {"IMAGE", Table::Align::left, true},
               {"KIND"},
               {"STATE"},
               {"FILES", Table::Align::right},
               {"SIZE", Table::Align::right},
               {"CAPTURED"},
               {"USED"}});
  for (const auto& image : list_of(reply.value, "baselines")) {
    const std::string names = joined(image, "names", ", ");
    const std::string state = text_of(image, "state");
    table.add({{short_id(text_of(image, "id"))},
               {names.empty() ? "-" : names},
               {text_of(image, "kind")},
               {state, state == "failed" ? Colour::red : Colour::none},
               {human_count(number_of(image, "files"))},
               {human_bytes(number_of(image, "bytes"))},
               {time_of(image, "captured")},
               {flag_of(image, "in_use") ? "now" : time_of(image, "last_used")}});
  }
  print(table.empty() ? "No baselines.\n" : table.render(invocation.out));
  return Status::fine;
}

}  // namespace

Command baseline_list_command() {
  return {.name = "baseline list",
          .synopsis = "",
          .summary = "the images that have a baseline",
          .details =
              "Lists what is known of each image: its names, how many executable files it ships, when it was "
              "captured and when a container last used it. KIND: layers (from the image's layers) or snapshot "
              "(from a root without layers, when its container was first seen).",
          .options = {},
          .words = {},
          .run = run_baseline_list};
}

}  // namespace holdfast::cli
