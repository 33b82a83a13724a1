#include "holdfast/verdict/explain.h"

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/base/clock.h"
#include "holdfast/base/text.h"

namespace holdfast::verdict {
namespace {

using policy::Mode;
using policy::Policy;
using policy::Reason;
using policy::Rule;
using policy::Verdict;

/// Whether an exception fits when nothing else is in the policy.
bool fits_alone(const Facts& facts, const Rule& rule, std::chrono::sys_seconds now) {
  Policy alone;
  alone.drift.mode = Mode::prevent;
  alone.allows = {rule};
  return !decide(facts, alone, now).rule.empty();
}

std::string section(const char* kind, const std::string& name) { return fmt::format("[{} {}]", kind, printable(name)); }

std::string because(const std::string& reason) {
  return reason.empty() ? std::string() : fmt::format(": {}", printable(reason));
}

template <class Rules>
const auto* named(const Rules& rules, const std::string& name) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

/// Exceptions that do not fit, but nearly.
void near_misses(const Facts& facts, const Policy& policy, std::chrono::sys_seconds now,
                 std::vector<std::string>& steps) {
  for (const Rule& rule : policy.allows) {
    Rule endless = rule;
    endless.until.reset();
    Facts unwritten = facts;
    unwritten.comparison = Comparison::unknown_to_image;
    if (fits_alone(facts, rule, now) || !fits_alone(unwritten, endless, now)) continue;
    if (rule.until && *rule.until <= now) {
      steps.push_back(
          fmt::format("{} would let it run, but ended on {}", section("Allow", rule.name), rfc3339(*rule.until)));
    } else {
      steps.push_back(fmt::format("{} would let it run, but goes by content, and somebody can write the file",
                                  section("Allow", rule.name)));
    }
  }
}

std::string by_policy(const Facts& facts, const Policy& policy, const Decision& decision) {
  const Reason reason = *decision.reason;
  if (reason == Reason::volume && !decision.rule.empty()) {
    return fmt::format("{} is the first for its mount", section("Volume", decision.rule));
  }
  const Verdict verdict = reason == Reason::volume
                              ? policy.drift.verdict_for_volume(!facts.volume || facts.volume->writable)
                              : policy.drift.verdict_for(reason);
  const bool configured = policy.drift.verdicts[static_cast<std::size_t>(reason)].has_value();
  const std::string_view mount = reason != Reason::volume ? ""
                                 : !facts.volume          ? " on a mount that was not found"
                                 : facts.volume->writable ? " on a mount that the container can write"
                                                          : " on a mount that the container cannot write";
  return fmt::format("{} for `{}`{}: {}", configured ? "the policy's own word" : "the default of its mode",
                     to_string(reason), mount, to_string(verdict));
}

}  // namespace

std::vector<std::string> explain(const Facts& facts, const Policy& policy, std::chrono::sys_seconds now) {
  std::vector<std::string> steps;
  const Decision decision = decide(facts, policy, now);
  if (const auto reason = classify(facts)) {
    steps.push_back(fmt::format("all this amounts to `{}`", to_string(*reason)));
  } else {
    steps.emplace_back("all this amounts to the image's own code");
  }
  if (const Rule* const rule = named(policy.denies, decision.rule); decision.reason == Reason::prohibited && rule) {
    steps.push_back(
        fmt::format("{} prohibits it, whatever it is{}", section("Deny", rule->name), because(rule->reason)));
  }
  if (!decision.reason) return steps;
  if (policy.drift.mode == Mode::off) {
    steps.emplace_back("in mode off nothing is decided");
    return steps;
  }
  const Rule* const exception = named(policy.allows, decision.rule);
  if (decision.reason != Reason::prohibited && decision.verdict == Verdict::allow && exception != nullptr &&
      fits_alone(facts, *exception, now)) {
    steps.push_back(fmt::format("{} lets it run{}", section("Allow", exception->name), because(exception->reason)));
    return steps;
  }
  if (facts.sealed && policy.seal && decision.reason != Reason::prohibited) {
    steps.emplace_back("[Seal] has pinned it: the container wrote and executed it itself when it started");
    return steps;
  }
  if (decision.reason != Reason::prohibited) {
    near_misses(facts, policy, now, steps);
    steps.push_back(policy.allows.empty()
                        ? "the policy has no exceptions"
                        : fmt::format("none of the policy's exceptions fits ({})", policy.allows.size()));
  }
  steps.push_back(by_policy(facts, policy, decision));
  if (policy.drift.mode == Mode::detect && decision.verdict != Verdict::allow) {
    steps.emplace_back("mode detect stops nothing: it runs, and is reported");
  }
  return steps;
}

}  // namespace holdfast::verdict
