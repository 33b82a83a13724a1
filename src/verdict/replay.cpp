#include "holdfast/verdict/replay.h"

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "possible_facts.h"

namespace holdfast::verdict {
namespace {

using policy::Policy;
using policy::Rule;
using policy::Verdict;

bool same(const Outcome& one, const Outcome& other) {
  return one.policy == other.policy && one.decision.verdict == other.decision.verdict &&
         one.decision.reason == other.decision.reason && one.decision.rule == other.decision.rule;
}

policy::Subject subject_of(const alert::ContainerInfo& container) {
  policy::Subject subject;
  subject.name = container.name;
  subject.id = container.id;
  subject.image = container.image;
  subject.digest = container.image_digest;
  subject.runtime = container.runtime;
  subject.name_space = container.name_space;
  subject.pod = container.pod;
  return subject;
}

/// Decides every case, and remembers those whose outcome differs.
class Replay {
 public:
  Replay(const alert::Record& record, policy::Reason reason, std::chrono::sys_seconds now)
      : record_(record), possible_(possible_facts(record, reason)), now_(now) {}

  Replayed run(const std::vector<Policy>& proposed) {
    const auto subject = subject_of(record_.alert.container.value_or(alert::ContainerInfo()));
    for (const Policy& policy : proposed) {
      policy::Match match = policy.match;
      match.labels.clear();
      if (!match.fits(subject)) continue;
      decide_all(policy);
      if (policy.match.labels.empty()) return finish();
      untold(fmt::format("whether {} is the container's policy: it asks for a label, and alerts hold none",
                         printable(policy.name)));
    }
    add({}, {});
    return finish();
  }

 private:
  void decide_all(const Policy& policy) {
    for (const PossibleFacts& facts : possible_) {
      const Decision plain = decide(facts.facts, policy, now_);
      add(policy, plain, facts.assumption);
      decide_doubtful_rules(policy, facts, plain);
      decide_volumes(policy, facts);
    }
  }

  /// What is not known fits no rule; but it might have.
  void decide_doubtful_rules(const Policy& policy, const PossibleFacts& possible, const Decision& plain) {
    const bool prohibited = plain.reason == policy::Reason::prohibited;
    if (prohibited) return;
    for (const Rule& rule : policy.denies) decide_rule(policy, possible, rule, &Policy::denies);
    const bool excepted = plain.verdict == Verdict::allow && !plain.rule.empty();
    if (excepted) return;
    for (const Rule& rule : policy.allows) decide_rule(policy, possible, rule, &Policy::allows);
  }

  /// The rule alone, as if all that is not known fitted it.
  void decide_rule(const Policy& policy, const PossibleFacts& possible, Rule rule, std::vector<Rule> Policy::*kind) {
    std::string doubt;
    Facts facts = possible.facts;
    if (possible.path_cut && !rule.paths.empty()) {
      rule.paths = {"**"};
      doubt = "the file's path, of which the alert holds the beginning only";
    }
    if (!facts.sha256 && !rule.hashes.empty()) {
      facts.sha256 = rule.hashes.front();
      doubt = "the file's SHA-256, which the alert does not have";
    }
    if (!rule.writers.empty()) {
      if (written_by_another(rule)) return;
      rule.writers = {"/**"};
      facts.writer = "/any";
      doubt = "whether a program of the image wrote the file, and nobody since, as the exception asks (Writer=)";
    }
    if (!rule.parents.empty()) {
      if (executed_by_another(rule)) return;
      rule.parents = {"/**"};
      facts.parent = "/any";
      doubt = "whether a program of the image executed the file, as the exception asks (Parent=)";
    }
    if (!rule.images.empty()) {
      rule.images = {"*"};
      facts.images = {"any"};
      doubt = "whether another image ships the file's content, as the exception asks (Image=)";
    }
    if (doubt.empty()) return;
    Policy one;
    one.name = policy.name;
    one.drift = policy.drift;
    (one.*kind).push_back(std::move(rule));
    const Decision decision = decide(facts, one, now_);
    if (!decision.rule.empty()) add(policy, decision, doubt);
  }

  /// That a program wrote the file does not prove that it was the image's own and the last to change it; but no other
  /// one can have been the writer then. What was written after the attempt was not judged.
  [[nodiscard]] bool written_by_another(const Rule& rule) const {
    const auto& writer = record_.alert.writer;
    if (!writer || writer->how != alert::Hand::wrote || writer->exe.empty()) return false;
    return writer->time <= record_.alert.time &&
           std::none_of(rule.writers.begin(), rule.writers.end(),
                        [&](const auto& glob) { return path_glob_match(glob, writer->exe); });
  }

  /// The same of who executed it: the process itself where it was denied, since it then still ran its program; in
  /// detect mode its parent, as for the service.
  [[nodiscard]] bool executed_by_another(const Rule& rule) const {
    const auto& alert = record_.alert;
    std::string_view by;
    if (alert.verdict == "deny" && alert.process) by = alert.process->exe;
    if (alert.verdict == "allow" && alert.mode == "detect" && !alert.ancestors.empty())
      by = alert.ancestors.front().exe;
    return !by.empty() && std::none_of(rule.parents.begin(), rule.parents.end(),
                                       [&](const auto& glob) { return path_glob_match(glob, by); });
  }

  /// Alerts do not tell on which mount a file lay: each [Volume] section might fit whose Path= is above the file, and
  /// for all others the mount may have been writable or not.
  void decide_volumes(const Policy& policy, const PossibleFacts& possible) {
    if (possible.facts.layer != Layer::volume) return;
    constexpr const char* kUntold = "on which mount the file lay, and whether the container can write it";
    for (const policy::VolumeRule& rule : policy.volumes) {
      if (!may_fit(rule, record_.alert.file ? record_.alert.file->path : std::string())) continue;
      Policy one = policy;
      one.volumes = {rule};
      one.volumes.front().destinations = {"/"};
      one.volumes.front().sources.clear();
      one.volumes.front().types.clear();
      one.volumes.front().read_only.reset();
      Facts facts = possible.facts;
      facts.volume = VolumeFacts{"/", "", "", true};
      add(policy, decide(facts, one, now_), kUntold);
    }
    Policy none = policy;
    none.volumes.clear();
    for (const bool writable : {true, false}) {
      Facts facts = possible.facts;
      facts.volume = VolumeFacts{"", "", "", writable};
      add(policy, decide(facts, none, now_), kUntold);
    }
  }

  static bool may_fit(const policy::VolumeRule& rule, std::string_view path) {
    constexpr int kDeepest = 64;
    if (rule.destinations.empty() || path.empty()) return true;
    for (int depth = 0; path.size() > 1; ++depth) {
      path = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
      if (depth == kDeepest) return true;
      const auto fits = [&](const auto& glob) { return path_glob_match(glob, path); };
      if (std::any_of(rule.destinations.begin(), rule.destinations.end(), fits)) return true;
    }
    return false;
  }

  void add(const Policy& policy, Decision decision, const std::string& assumption) {
    const auto rule = std::find_if(policy.allows.begin(), policy.allows.end(),
                                   [&](const Rule& one) { return one.name == decision.rule; });
    const bool by_hash = decision.verdict == Verdict::allow && decision.reason != policy::Reason::prohibited &&
                         rule != policy.allows.end() && rule->needs_hash();
    add({policy.name, policy.drift.mode, std::move(decision), by_hash}, assumption);
  }

  void add(Outcome outcome, const std::string& assumption) {
    const auto alike = [&](const auto& one) { return same(one, outcome); };
    if (std::any_of(outcomes_.begin(), outcomes_.end(), alike)) return;
    if (!outcomes_.empty()) untold(assumption);
    outcomes_.push_back(std::move(outcome));
  }

  void untold(const std::string& what) {
    if (what.empty() || std::find(untold_.begin(), untold_.end(), what) != untold_.end()) return;
    untold_.push_back(what);
  }

  Replayed finish() {
    if (outcomes_.size() == 1) untold_.clear();
    return {std::move(outcomes_), std::move(untold_)};
  }

  const alert::Record& record_;
  const std::vector<PossibleFacts> possible_;
  const std::chrono::sys_seconds now_;
  std::vector<Outcome> outcomes_;
  std::vector<std::string> untold_;
};

}  // namespace

Result<Replayed> replay(const alert::Record& record, const std::vector<Policy>& proposed,
                        std::chrono::sys_seconds now) {
  if (record.alert.kind != alert::Kind::drift) return Error{0, "it is no alert of drift"};
  if (record.alert.file && !parse_layer(record.alert.file->layer)) {
    return Error{0, fmt::format("\"{}\" is no layer", printable(record.alert.file->layer.substr(0, 80)))};
  }
  const auto reason = policy::parse_reason(record.alert.reason);
  if (!reason) return Error{0, fmt::format("\"{}\" is no drift reason", printable(record.alert.reason.substr(0, 80)))};
  return Replay(record, *reason, now).run(proposed);
}

}  // namespace holdfast::verdict
