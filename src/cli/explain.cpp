#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/units.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

/// A little longer than the service takes at most.
constexpr std::chrono::seconds kPatience{60};

Colour colour_of(const std::string& verdict) {
  if (verdict == "deny") return Colour::red;
  return verdict == "alert" ? Colour::yellow : Colour::green;
}

std::string conclusion(const json::value& decision) {
  const std::string verdict = text_of(decision, "verdict");
  const std::string reason = text_of(decision, "reason");
  const std::string rule = text_of(decision, "rule");
  std::string out = verdict == "deny" ? "denied" : verdict == "alert" ? "runs, with an alert" : "runs";
  out += reason.empty() ? ": the image's own code" : fmt::format(": {}", reason);
  if (!rule.empty()) out += fmt::format(", by the policy's section [{}]", rule);
  return out;
}

std::string file_line(std::string_view label, const json::value& file) {
  if (!file.is_object()) return fmt::format("{:<12}none at that path\n", label);
  const std::string hash = text_of(file, "sha256");
  return fmt::format("{:<12}{} ({}, mode {})\n{:<12}sha256 {}\n", label, text_of(file, "path"),
                     human_bytes(number_of(file, "size")), text_of(file, "mode"), "",
                     hash.empty() ? "not known" : hash);
}

std::string report(const json::value& answer, const Terminal& terminal) {
  const auto& container = member_of(answer, "container");
  const auto& decision = member_of(answer, "decision");
  std::string out =
      fmt::format("{} in {} ({}): mode {}, policy {}\n\n", text_of(answer, "path"), container_label(container),
                  text_of(container, "image"), text_of(answer, "mode"), text_of(answer, "policy"));
  std::size_t number = 0;
  for (const auto& step : list_of(answer, "steps")) {
    const json::string* text = step.if_string();
    if (text == nullptr) continue;
    const std::string safe = control::readable({text->data(), text->size()});
    // The first line starts with the number, in the room of the indent.
    std::string lines = wrap(safe, terminal.columns, "     ");
    const std::string label = fmt::format("{:>3}.", ++number);
    out += lines.replace(0, label.size(), label) + '\n';
  }
  out += fmt::format("\n{}{}", file_line("File", member_of(answer, "file")),
                     file_line("Image has", member_of(answer, "image_file")));
  out += fmt::format("{:<12}{}\n", "Verdict",
                     paint(conclusion(decision), colour_of(text_of(decision, "verdict")), terminal));
  return out;
}

Status run_explain(const Invocation& invocation) {
  const auto& words = invocation.arguments.words;
  const Reply reply =
      ask(invocation, "explain", {{"container", argument(words[0])}, {"path", argument(words[1])}}, {}, kPatience);
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
  } else {
    print(report(reply.value, invocation.out));
  }
  const bool silent = text_of(member_of(reply.value, "decision"), "verdict") == "allow";
  return silent ? Status::fine : Status::finding;
}

}  // namespace

Command explain_command() {
  return {.name = "explain",
          .synopsis = "CONTAINER PATH",
          .summary = "what would happen if PATH were executed there, and why",
          .details =
              "Examines a file of a running container as the gate would, without executing it: each step, the "
              "hash of the file and of the image's file, the policy's rule and the verdict. CONTAINER is an "
              "id, a unique start of one, or a name; PATH is absolute in the container. Exit status 1 if it "
              "would be denied or reported.",
          .options = {},
          .words = {2, 2},
          .run = run_explain};
}

}  // namespace holdfast::cli
