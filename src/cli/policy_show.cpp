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

namespace json = boost::json;

std::string heading(const json::value& answer) {
  const auto& container = member_of(answer, "container");
  const auto& policy = member_of(answer, "policy");
  const std::string file = text_of(policy, "file");
  return fmt::format("Container   {} ({})\nPolicy      {}{}\nMode        {}\nMatch       {}\n",
                     container_label(container), text_of(container, "image"), text_of(policy, "name"),
                     file.empty() ? "" : fmt::format(", {}", file), text_of(policy, "mode"),
                     describe_match(member_of(policy, "match")));
}

std::string verdict_line(const json::value& policy, const Terminal& terminal) {
  std::string out;
  if (const json::object* verdicts = member_of(policy, "verdicts").if_object()) {
    for (const auto& verdict : *verdicts) {
      const json::string* text = verdict.value().if_string();
      if (text == nullptr) continue;
      out += fmt::format("{}{}={}", out.empty() ? "" : " ",
                         control::readable({verdict.key().data(), verdict.key().size()}),
                         control::readable({text->data(), text->size()}));
    }
  }
  std::string lines = wrap(out, terminal.columns, "            ");
  return lines.replace(0, 8, "Verdicts") + '\n';
}

Table::Cell until_cell(const json::value& rule) {
  if (text_of(rule, "until").empty()) return {"-"};
  if (flag_of(rule, "expired")) return {"expired", Colour::yellow};
  return {time_of(rule, "until")};
}

std::string what_it_fits(const json::value& rule) {
  std::string out = joined(rule, "paths", " ");
  const auto hashes = list_of(rule, "sha256").size();
  if (hashes > 0) out += fmt::format("{}{} hash{}", out.empty() ? "" : ", ", hashes, hashes == 1 ? "" : "es");
  return out.empty() ? "-" : out;
}

std::string rules(const json::value& policy, const Terminal& terminal) {
  Table table({{"RULE", Table::Align::left, true},
               {"USED", Table::Align::right},
               {"UNTIL"},
               {"FITS", Table::Align::left, true},
               {"REASON", Table::Align::left, true}});
  for (const auto& rule : list_of(policy, "rules")) {
    const bool deny = text_of(rule, "kind") == "deny";
    const std::string reason = text_of(rule, "reason");
    table.add(
        {{fmt::format("[{} {}]", deny ? "Deny" : "Allow", text_of(rule, "name")), deny ? Colour::red : Colour::none},
         {human_count(number_of(rule, "used"))},
         until_cell(rule),
         {what_it_fits(rule)},
         {reason.empty() ? "-" : reason}});
  }
  return table.empty() ? std::string() : '\n' + table.render(terminal);
}

Status run_show(const Invocation& invocation) {
  const Reply reply = ask(invocation, "policy.show", {{"container", argument(invocation.arguments.words[0])}});
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
    return Status::fine;
  }
  const auto& policy = member_of(reply.value, "policy");
  print(heading(reply.value) + verdict_line(policy, invocation.out) + rules(policy, invocation.out));
  return Status::fine;
}

}  // namespace

Command policy_show_command() {
  return {.name = "policy show",
          .synopsis = "CONTAINER",
          .summary = "a container's policy, and how often each rule was used",
          .details =
              "Shows which policy a container has, why, what it says for each drift reason, and for each "
              "exception and prohibition how often it has decided since the service started and when it ends. "
              "CONTAINER is an id, a unique start of one, or a name.",
          .options = {},
          .words = {1, 1},
          .run = run_show};
}

}  // namespace holdfast::cli
