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

/// What makes the mode another one than the policy's.
std::string override_text(const json::value& answer) {
  const auto& one = member_of(answer, "override");
  if (!one.is_object()) return {};
  return fmt::format(" until {}, instead of {}: an override ({})", time_of(one, "until"),
                     text_of(answer, "policy_mode"), text_of(one, "reason"));
}

/// Why a policy that asks for a label may not be the container's.
std::string labels_line(const json::value& answer, const Terminal& terminal) {
  const auto& known = member_of(answer, "labels_known");
  if (!known.is_bool() || known.as_bool()) return {};
  const std::string missed = text_of(answer, "missed_for_labels");
  std::string lines = wrap(missed.empty() ? "cannot be read: no policy that asks for a label is this container's"
                                          : fmt::format("cannot be read: {}, which asks for a label, does not fit for "
                                                        "that reason",
                                                        missed),
                           terminal.columns, "            ");
  return paint(lines.replace(0, 6, "Labels"), Colour::yellow, terminal) + '\n';
}

std::string container_heading(const json::value& answer) {
  const auto& container = member_of(answer, "container");
  const auto& policy = member_of(answer, "policy");
  const std::string file = text_of(policy, "file");
  return fmt::format("Container   {} ({})\nPolicy      {}{}\nMode        {}{}\nMatch       {}\n",
                     container_label(container), text_of(container, "image"), text_of(policy, "name"),
                     file.empty() ? "" : fmt::format(", {}", file), text_of(policy, "mode"), override_text(answer),
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
  if (flag_of(rule, "expired")) return {fmt::format("expired on {}", time_of(rule, "until")), Colour::yellow};
  return {time_of(rule, "until")};
}

/// A rule that was never used is shown with how long it has had the chance.
Table::Cell used_cell(const json::value& rule) {
  const auto used = number_of(rule, "used");
  if (used > 0 || text_of(rule, "unused_since").empty()) return {human_count(used)};
  return {fmt::format("never since {}", time_of(rule, "unused_since")), Colour::yellow};
}

std::string what_it_fits(const json::value& rule) {
  std::string out = joined(rule, "paths", " ");
  const auto hashes = list_of(rule, "sha256").size();
  if (hashes > 0) out += fmt::format("{}{} hash{}", out.empty() ? "" : ", ", hashes, hashes == 1 ? "" : "es");
  for (const auto& [key, words] :
       {std::pair{"writers", "written by"}, {"parents", "executed by"}, {"images", "from image"}}) {
    const std::string values = joined(rule, key, " ");
    if (!values.empty()) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", words, values);
  }
  return out.empty() ? "-" : out;
}

/// As the section is written, with what it decides at the end.
std::string what_volume(const json::value& rule) {
  std::string out = joined(rule, "paths", " ");
  const auto add = [&](std::string_view what, const std::string& values) {
    if (!values.empty()) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", what, values);
  };
  add("source", joined(rule, "sources", " "));
  add("type", joined(rule, "types", " "));
  if (member_of(rule, "read_only").is_bool()) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", flag_of(rule, "read_only") ? "read-only" : "writable");
  }
  return fmt::format("{}: {}", out, text_of(rule, "verdict"));
}

std::string what_seal(const json::value& rule) {
  const std::string until = text_of(rule, "until_file");
  return fmt::format("what a fresh container writes itself within {} s{}", number_of(rule, "window_ms") / 1000,
                     until.empty() ? "" : fmt::format(", until {} is there", until));
}

std::string what_any_fits(const json::value& rule) {
  const std::string kind = text_of(rule, "kind");
  if (kind == "seal") return what_seal(rule);
  return kind == "volume" ? what_volume(rule) : what_it_fits(rule);
}

Table::Cell rule_cell(const json::value& rule) {
  const std::string kind = text_of(rule, "kind");
  if (kind == "seal") return {"[Seal]"};
  const bool denies = kind == "deny" || text_of(rule, "verdict") == "deny";
  const std::string_view section = kind == "deny" ? "Deny" : kind == "volume" ? "Volume" : "Allow";
  return {fmt::format("[{} {}]", section, text_of(rule, "name")), denies ? Colour::red : Colour::none};
}

std::string action_line(const json::value& policy) {
  const std::string action = text_of(policy, "action");
  if (action.empty() || action == "none") return {};
  return fmt::format("Action      {}\n", action);
}

std::string rules(const json::value& policy, const Terminal& terminal) {
  Table table({{"RULE", Table::Align::left, true},
               {"USED"},
               {"UNTIL"},
               {"FITS", Table::Align::left, true},
               {"REASON", Table::Align::left, true}});
  for (const auto& rule : list_of(policy, "rules")) {
    const std::string reason = text_of(rule, "reason");
    table.add(
        {rule_cell(rule), used_cell(rule), until_cell(rule), {what_any_fits(rule)}, {reason.empty() ? "-" : reason}});
  }
  return table.empty() ? std::string() : '\n' + table.render(terminal);
}

Status run_policy_show(const Invocation& invocation) {
  const Reply reply = ask(invocation, "policy.show", {{"container", argument(invocation.arguments.words[0])}});
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
    return Status::fine;
  }
  const auto& policy = member_of(reply.value, "policy");
  print(container_heading(reply.value) + labels_line(reply.value, invocation.out) +
        verdict_line(policy, invocation.out) + action_line(policy) + rules(policy, invocation.out));
  return Status::fine;
}

}  // namespace

Command policy_show_command() {
  return {
      .name = "policy show",
      .synopsis = "CONTAINER",
      .summary = "a container's policy, and how often each rule was used",
      .details =
          "Shows which policy a container has, why, what it says for each drift reason, and for each "
          "exception, prohibition and [Volume] section how often it has decided since the service started, or since "
          "when it never has, and when it ends or has ended. Says so where the container's labels cannot be read. "
          "CONTAINER is an id, a unique start of one, or a name.",
      .options = {},
      .words = {1, 1},
      .run = run_policy_show};
}

}  // namespace holdfast::cli
