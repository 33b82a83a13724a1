#include "holdfast/verdict/decide.h"

#include <algorithm>

namespace holdfast::verdict {
namespace {

using policy::Mode;
using policy::Policy;
using policy::Reason;
using policy::Rule;
using policy::Verdict;
using policy::VolumeRule;

policy::RuleSubject subject_of(const Facts& facts) {
  return {.path = facts.path,
          .sha256 = facts.sha256,
          .writer = facts.writer,
          .parent = facts.parent,
          .images = facts.images};
}

/// The prohibition that fits. One by hash counts even for a file that is still being written: what was read is enough
/// to say no.
const Rule* prohibition(const Facts& facts, const Policy& policy) {
  const auto fits = std::find_if(policy.denies.begin(), policy.denies.end(),
                                 [&](const Rule& rule) { return rule.fits(subject_of(facts)); });
  return fits == policy.denies.end() ? nullptr : &*fits;
}

bool excepts(const Rule& rule, const Facts& facts, std::chrono::sys_seconds now) {
  if (rule.until && now >= *rule.until) return false;
  // The hash is of bytes that somebody can still change (kernel fact 19).
  if (rule.needs_hash() && facts.comparison == Comparison::writer_present) return false;
  return rule.fits(subject_of(facts));
}

const Rule* exception(const Facts& facts, const Policy& policy, std::chrono::sys_seconds now) {
  const auto fits = std::find_if(policy.allows.begin(), policy.allows.end(),
                                 [&](const Rule& rule) { return excepts(rule, facts, now); });
  return fits == policy.allows.end() ? nullptr : &*fits;
}

void decide_volume(const Facts& facts, const Policy& policy, Decision& decision) {
  if (facts.volume) {
    const auto fits = std::find_if(policy.volumes.begin(), policy.volumes.end(),
                                   [&](const VolumeRule& rule) { return rule.fits(*facts.volume); });
    if (fits != policy.volumes.end()) {
      decision.rule = fits->name;
      decision.verdict = fits->verdict;
      return;
    }
  }
  // A mount that was not found may well be one that the container can write.
  decision.verdict = policy.drift.verdict_for_volume(!facts.volume || facts.volume->writable);
}

}  // namespace

Decision decide(const Facts& facts, const Policy& policy, std::chrono::sys_seconds now) {
  Decision decision;
  decision.reason = classify(facts);
  if (const Rule* const rule = prohibition(facts, policy)) {
    decision.reason = Reason::prohibited;
    decision.rule = rule->name;
  }
  if (!decision.reason || policy.drift.mode == Mode::off) return decision;
  if (decision.reason != Reason::prohibited) {
    if (const Rule* const rule = exception(facts, policy, now)) {
      decision.rule = rule->name;
      return decision;
    }
  }
  if (facts.sealed && policy.seal && decision.reason != Reason::prohibited) {
    decision.rule = "Seal";
    return decision;
  }
  if (decision.reason == Reason::volume) {
    decide_volume(facts, policy, decision);
  } else {
    decision.verdict = policy.drift.verdict_for(*decision.reason);
  }
  if (policy.drift.mode == Mode::detect && decision.verdict == Verdict::deny) decision.verdict = Verdict::alert;
  return decision;
}

}  // namespace holdfast::verdict
