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
  if (rule == "Seal" && text_of(decision, "section") == "Seal") return out + ", by the policy's section [Seal]";
  if (!rule.empty()) out += fmt::format(", by the policy's section [{} {}]", text_of(decision, "section"), rule);
  return out;
}

std::string fate(const std::string& verdict) {
  if (verdict == "deny") return "denied";
  return verdict == "alert" ? "runs, with an alert" : "runs";
}

/// What the mode alone would change.
std::string other_modes(const json::value& answer) {
  std::string out;
  for (const char* mode : {"off", "detect", "prevent"}) {
    const std::string verdict = text_of(member_of(answer, "modes"), mode);
    if (verdict.empty() || text_of(answer, "mode") == mode) continue;
    out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", mode, fate(verdict));
  }
  return out.empty() ? out : fmt::format("{:<12}{}\n", "Otherwise", out);
}

/// The container, what holds for it, and what makes that another mode than its policy's.
std::string heading(const json::value& answer) {
  const auto& container = member_of(answer, "container");
  const std::string image = text_of(container, "image");
  const std::string file = text_of(answer, "policy_file");
  std::string out = fmt::format("{:<12}{}\n{:<12}{}{}\n", "Path", text_of(answer, "path"), "Container",
                                container_label(container), image.empty() ? "" : fmt::format(" ({})", image));
  out += fmt::format("{:<12}{}{}\n{:<12}{}", "Policy", text_of(answer, "policy"),
                     file.empty() ? "" : fmt::format(", {}", file), "Mode", text_of(answer, "mode"));
  const auto& one = member_of(answer, "override");
  if (one.is_object()) {
    out += fmt::format(" until {}, instead of {}: an override ({})", time_of(one, "until"),
                       text_of(answer, "policy_mode"), text_of(one, "reason"));
  }
  return out + "\n\n";
}

std::string file_line(std::string_view label, const json::value& file) {
  if (!file.is_object()) return fmt::format("{:<12}none at that path\n", label);
  const std::string hash = text_of(file, "sha256");
  return fmt::format("{:<12}{} ({}, mode {})\n{:<12}sha256 {}\n", label, text_of(file, "path"),
                     human_bytes(number_of(file, "size")), text_of(file, "mode"), "",
                     hash.empty() ? "not known" : hash);
}

std::string report(const json::value& answer, const Terminal& terminal) {
  const auto& decision = member_of(answer, "decision");
  std::string out = heading(answer);
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
  return out + other_modes(answer);
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
              "hash of the file and of the image's file, the policy, an override of its mode, which rule decides or "
              "nearly did, the verdict, and what it would be in other modes. CONTAINER is an "
              "id, a unique start of one, or a name; PATH is absolute in the container. Exit status 1 if it "
              "would be denied or reported.",
          .options = {},
          .words = {2, 2},
          .run = run_explain};
}

}  // namespace holdfast::cli
