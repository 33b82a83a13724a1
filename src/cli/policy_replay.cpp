#include <algorithm>
#include <cerrno>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/table.h"
#include "holdfast/cli/units.h"
#include "holdfast/policy/load.h"

#include "alert_source.h"
#include "commands.h"
#include "replay_report.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;
using Fate = ReplayReport::Fate;
using Group = ReplayReport::Group;

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }
json::value shown(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string(printable(text)));
}

std::string container_of(const alert::Alert& alert) {
  const auto container = alert.container.value_or(alert::ContainerInfo());
  if (!container.name.empty()) return printable(container.name);
  return container.id.empty() ? "?" : short_id(printable(container.id));
}

std::string file_of(const alert::Alert& alert) {
  return alert.file && !alert.file->path.empty() ? printable(alert.file->path) : "(without a name)";
}

std::string then_text(const alert::Alert& alert) {
  if (alert.verdict == "deny") return "denied";
  return alert.verdict == "killed" ? "killed" : "ran, told";
}

std::string now_text(const verdict::Outcome& outcome) {
  if (outcome.policy.empty()) return "no policy";
  if (outcome.decision.verdict == policy::Verdict::allow) return "runs";
  return outcome.decision.runs() ? "runs, told" : "denied";
}

Table::Cell now_cell(const Group& group) {
  switch (ReplayReport::fate_of(group.now)) {
    case Fate::silent:
      return {"runs", Colour::green};
    case Fate::denied:
      return {"denied", Colour::red};
    case Fate::unknown:
      return {"cannot be told", Colour::yellow};
    case Fate::alerted:
    case Fate::not_covered:
      break;
  }
  return {now_text(group.now.outcomes.front()), Colour::yellow};
}

std::string by_text(const verdict::Outcome& outcome) {
  if (outcome.policy.empty()) return "-";
  const auto& decision = outcome.decision;
  std::string out = printable(outcome.policy);
  if (decision.rule.empty()) return out;
  const bool denies = decision.reason == policy::Reason::prohibited;
  const bool volume = decision.reason == policy::Reason::volume && decision.verdict != policy::Verdict::allow;
  return fmt::format("{} [{} {}]", out, denies ? "Deny" : volume ? "Volume" : "Allow", printable(decision.rule));
}

std::string groups_text(const ReplayReport& report, const Terminal& terminal) {
  Table table({{"CONTAINER", Table::Align::left, true},
               {"FILE", Table::Align::left, true},
               {"REASON"},
               {"ATTEMPTS", Table::Align::right},
               {"THEN"},
               {"NOW"},
               {"BY", Table::Align::left, true}});
  for (const Group& group : report.groups()) {
    table.add({{container_of(group.alert)},
               {file_of(group.alert)},
               {printable(group.alert.reason)},
               {human_count(group.attempts)},
               {then_text(group.alert)},
               now_cell(group),
               {group.now.certain() ? by_text(group.now.outcomes.front()) : "-"}});
  }
  return table.empty() ? std::string() : table.render(terminal) + '\n';
}

/// What would be possible, and on what it hangs.
std::string doubts_text(const ReplayReport& report, const Terminal& terminal) {
  std::string out;
  for (const Group& group : report.groups()) {
    if (group.now.certain()) continue;
    std::string text = fmt::format("{} in {}:", file_of(group.alert), container_of(group.alert));
    for (std::size_t i = 0; i < group.now.outcomes.size(); ++i) {
      const auto& outcome = group.now.outcomes[i];
      text += fmt::format("{} {} ({})", i == 0 ? "" : ", or", now_text(outcome), by_text(outcome));
    }
    text += "; it hangs on ";
    for (std::size_t i = 0; i < group.now.untold.size(); ++i) text += (i == 0 ? "" : "; and on ") + group.now.untold[i];
    out += wrap(text, terminal.columns, "  ") + '\n';
  }
  return out.empty() ? out : "Cannot be told from an alert:\n" + out + '\n';
}

/// Every section of the proposed policies, with what it decided here.
struct RuleUse {
  const policy::Policy& policy;
  const char* kind;
  const std::string& name;
};
std::vector<RuleUse> rules_of(const ReplayReport& report) {
  std::vector<RuleUse> all;
  for (const auto& policy : report.policies()) {
    for (const auto& rule : policy.denies) all.push_back({policy, "Deny", rule.name});
    for (const auto& rule : policy.allows) all.push_back({policy, "Allow", rule.name});
    for (const auto& rule : policy.volumes) all.push_back({policy, "Volume", rule.name});
  }
  return all;
}

std::string rules_text(const ReplayReport& report, const Terminal& terminal) {
  Table table(
      {{"RULE", Table::Align::left, true}, {"POLICY", Table::Align::left, true}, {"DECIDED", Table::Align::right}});
  for (const RuleUse& rule : rules_of(report)) {
    const auto uses = report.uses(rule.policy.name, rule.name);
    table.add({{fmt::format("[{} {}]", rule.kind, printable(rule.name))},
               {printable(rule.policy.name)},
               {uses == 0 ? "never" : human_count(uses), uses == 0 ? Colour::yellow : Colour::none}});
  }
  return table.empty() ? std::string() : table.render(terminal) + '\n';
}

std::string totals_text(const ReplayReport& report, const SourceCounts& counts) {
  std::string out =
      fmt::format("{} attempts in {} alerts: {} would run silently, {} run and be told, {} be denied",
                  human_count(report.attempts()), human_count(counts.drift), human_count(report.attempts(Fate::silent)),
                  human_count(report.attempts(Fate::alerted)), human_count(report.attempts(Fate::denied)));
  if (const auto n = report.attempts(Fate::unknown); n > 0) out += fmt::format(", {} cannot be told", human_count(n));
  if (const auto n = report.attempts(Fate::not_covered); n > 0) {
    out += fmt::format(", {} in containers that none of the policies is for", human_count(n));
  }
  out += ".\n";
  if (report.by_hash() > 0) {
    out += fmt::format("{} run by their SHA-256, which holds only while nobody can write the file.\n",
                       human_count(report.by_hash()));
  }
  if (const auto skipped = skipped_text(counts); !skipped.empty()) out += fmt::format("Not looked at: {}.\n", skipped);
  return out;
}

json::object to_json(const verdict::Outcome& outcome) {
  const auto& decision = outcome.decision;
  return {{"policy", shown(outcome.policy)},
          {"mode", outcome.policy.empty() ? json::value(nullptr) : json::value(view(to_string(outcome.mode)))},
          {"verdict", outcome.policy.empty() ? json::value(nullptr) : json::value(view(to_string(decision.verdict)))},
          {"reason", decision.reason ? json::value(view(to_string(*decision.reason))) : json::value(nullptr)},
          {"rule", shown(decision.rule)},
          {"by_hash", outcome.by_hash}};
}

json::object to_json(const Group& group) {
  const auto container = group.alert.container.value_or(alert::ContainerInfo());
  const auto file = group.alert.file.value_or(alert::FileInfo());
  json::array now, untold;
  for (const auto& outcome : group.now.outcomes) now.push_back(to_json(outcome));
  for (const auto& one : group.now.untold) untold.emplace_back(json::string(one));
  return {
      {"container",
       json::object{{"id", shown(container.id)}, {"name", shown(container.name)}, {"image", shown(container.image)}}},
      {"path", shown(file.path)},
      {"sha256", shown(file.sha256)},
      {"reason", shown(group.alert.reason)},
      {"alerts", group.alerts},
      {"attempts", group.attempts},
      {"then", json::object{{"verdict", shown(group.alert.verdict)},
                            {"mode", shown(group.alert.mode)},
                            {"policy", shown(group.alert.policy)},
                            {"rule", shown(group.alert.rule)}}},
      {"certain", group.now.certain()},
      {"now", std::move(now)},
      {"untold", std::move(untold)}};
}

json::object to_json(const ReplayReport& report, const SourceCounts& counts) {
  json::array groups, rules;
  for (const Group& group : report.groups()) groups.push_back(to_json(group));
  for (const RuleUse& rule : rules_of(report)) {
    rules.push_back(json::object{{"policy", shown(rule.policy.name)},
                                 {"kind", rule.kind},
                                 {"name", shown(rule.name)},
                                 {"attempts", report.uses(rule.policy.name, rule.name)}});
  }
  return {{"attempts", std::move(groups)},
          {"rules", std::move(rules)},
          {"totals", json::object{{"alerts", counts.drift},
                                  {"attempts", report.attempts()},
                                  {"run", report.attempts(Fate::silent)},
                                  {"alert", report.attempts(Fate::alerted)},
                                  {"deny", report.attempts(Fate::denied)},
                                  {"unknown", report.attempts(Fate::unknown)},
                                  {"not_covered", report.attempts(Fate::not_covered)},
                                  {"by_hash", report.by_hash()},
                                  {"other_alerts", counts.other},
                                  {"foreign_entries", counts.foreign},
                                  {"half_alerts", counts.halves}}}};
}

/// In the order in which the service would try them.
Result<std::vector<policy::Policy>> load_policies(const std::vector<std::string>& files) {
  std::vector<policy::Policy> policies;
  for (const auto& file : files) {
    auto policy = policy::load_policy(file);
    if (!policy) return policy.error();
    policies.push_back(std::move(*policy));
  }
  std::ranges::stable_sort(policies, {}, &policy::Policy::name);
  const auto twice = std::ranges::adjacent_find(policies, {}, &policy::Policy::name);
  if (twice == policies.end()) return policies;
  return Error{0, fmt::format("two of the policies are called {}: one directory has but one", printable(twice->name))};
}

Status wrong(const Error& error) {
  complain(control::readable(error.message));
  return error.code == EACCES || error.code == EPERM ? Status::not_permitted : Status::bad_input;
}

Status run_replay(const Invocation& invocation) {
  const auto file = invocation.arguments.value("alerts");
  if (!file) return wrong({0, "no alerts given; --alerts FILE, or --alerts - for standard input, would be right"});
  auto policies = load_policies(invocation.arguments.words);
  if (!policies) return wrong(policies.error());
  ReplayReport report(std::move(*policies));
  const auto counts = read_alert_file(*file, [&](const alert::Record& record) { return report.add(record); });
  if (!counts) return wrong(counts.error());
  if (invocation.json) {
    print_json(to_json(report, *counts));
  } else {
    print(groups_text(report, invocation.out) + doubts_text(report, invocation.out) +
          rules_text(report, invocation.out) + totals_text(report, *counts));
  }
  return report.attempts() == report.attempts(Fate::silent) && counts->halves == 0 ? Status::fine : Status::finding;
}

}  // namespace

Command policy_replay_command() {
  return {.name = "policy replay",
          .synopsis = "--alerts FILE|- POLICY...",
          .summary = "what proposed policies would have decided",
          .details =
              "Reads alerts (lines of a file: sink, or of journalctl -o json) and decides each anew by the proposed "
              "policies, without a service: what was decided then, what would be now, by which rule, and how often "
              "each rule decided. Policies are tried in the order of their files' names; Until= is compared with the "
              "present. What an alert does not tell is not guessed: all that is possible is shown, and on what it "
              "hangs. Exit status 1 unless all would run silently.",
          .options = {{"alerts", 0, "FILE", "the alerts; - is standard input"}},
          .words = {1, WordCount::kAny},
          .run = run_replay};
}

}  // namespace holdfast::cli
