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

std::string summary(const json::value& image) {
  return fmt::format(
      "Baseline    {}\nNames       {}\nDigests     {}\nKind        {}, {}\nFiles       {} ({})\nCaptured    {}\n"
      "Last used   {}\n\n",
      text_of(image, "id"), or_dash(joined(image, "names", ", ")), or_dash(joined(image, "digests", ", ")),
      text_of(image, "kind"), text_of(image, "state"), human_count(number_of(image, "files")),
      human_bytes(number_of(image, "bytes")), time_of(image, "captured"),
      flag_of(image, "in_use") ? "now" : time_of(image, "last_used"));
}

Status run_baseline_show(const Invocation& invocation) {
  json::array files;
  const auto keep = [&](control::Message::Kind kind, const json::value& value) {
    if (kind == control::Message::Kind::item) files.push_back(value);
  };
  Reply reply = ask(invocation, "baseline.show", {{"image", argument(invocation.arguments.words[0])}}, keep);
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    if (json::object* object = reply.value.if_object()) (*object)["file_list"] = std::move(files);
    print_json(reply.value);
    return Status::fine;
  }
  Table table({{"SHA256"}, {"MODE"}, {"SIZE", Table::Align::right}, {"PATH"}});
  for (const auto& file : files) {
    // Whole hashes where somebody may search for them; their start is enough for eyes.
    const std::string hash = text_of(file, "sha256");
    table.add({{or_dash(invocation.out.interactive ? short_id(hash) : hash)},
               {text_of(file, "mode")},
               {human_bytes(number_of(file, "size"))},
               {text_of(file, "path")}});
  }
  print(summary(reply.value) + table.render(invocation.out));
  return Status::fine;
}

}  // namespace

Command baseline_show_command() {
  return {.name = "baseline show",
          .synopsis = "IMAGE",
          .summary = "what an image ships that can execute",
          .details =
              "Shows one image's baseline: its files that can execute and its shared objects, with hash, mode "
              "and size. IMAGE is a reference, a digest, or the start of a baseline's id.",
          .options = {},
          .words = {1, 1},
          .run = run_baseline_show};
}

}  // namespace holdfast::cli
