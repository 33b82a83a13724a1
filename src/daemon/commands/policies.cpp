#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "describe.h"
#include "handlers.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;
using std::chrono::sys_seconds;

/// Only the keys that the file has.
json::object describe_match(const policy::Match& match) {
  json::object out;
  const auto add = [&](const char* key, const std::vector<std::string>& globs) {
    if (!globs.empty()) out[key] = describe(globs);
  };
  add("image", match.image);
  add("container", match.container);
  add("runtime", match.runtime);
  add("namespace", match.name_space);
  add("pod", match.pod);
  std::vector<std::string> labels;
  for (const auto& [key, glob] : match.labels) labels.push_back(fmt::format("{}={}", key, glob));
  add("label", labels);
  return out;
}

/// `unmediated` has no verdict of its own: it is that of what the file is.
json::object describe_drift(const policy::Drift& drift) {
  json::object verdicts;
  for (const auto reason : policy::kReasons) {
    if (reason == policy::Reason::unmediated) continue;
    verdicts[view(to_string(reason))] = view(to_string(drift.verdict_for(reason)));
    if (reason == policy::Reason::volume) {
      verdicts["volume-read-only"] = view(to_string(drift.verdict_for_volume(false)));
    }
  }
  return verdicts;
}

/// `used`, and of a rule that never was, since when: a rule that nobody needs is one to take away.
void add_uses(json::object& out, const ServiceContext& context, const policy::Policy& policy, const std::string& rule) {
  const auto uses = context.rule_uses ? context.rule_uses(policy, rule) : gate::RuleUse::Uses{};
  out["used"] = uses.count;
  if (uses.count == 0 && context.rule_uses) out["unused_since"] = rfc3339(uses.since);
}

bool is_unused(const ServiceContext& context, const policy::Policy& policy, const std::string& rule) {
  return context.rule_uses && context.rule_uses(policy, rule).count == 0;
}

bool has_expired(const policy::Rule& rule, sys_seconds now) { return rule.until && *rule.until <= now; }

json::object describe_rule(const ServiceContext& context, const policy::Policy& policy, const policy::Rule& rule,
                           const char* kind, sys_seconds now) {
  json::array hashes;
  for (const auto& hash : rule.hashes) hashes.emplace_back(json::string(to_hex(hash)));
  json::object out{{"kind", kind},
                   {"name", printable(rule.name)},
                   {"paths", describe(rule.paths)},
                   {"sha256", std::move(hashes)},
                   {"writers", describe(rule.writers)},
                   {"parents", describe(rule.parents)},
                   {"images", describe(rule.images)},
                   {"reason", describe(rule.reason)}};
  add_uses(out, context, policy, rule.name);
  if (rule.until) {
    out["until"] = rfc3339(*rule.until);
    out["expired"] = has_expired(rule, now);
  }
  return out;
}

json::object describe_volume(const ServiceContext& context, const policy::Policy& policy,
                             const policy::VolumeRule& rule) {
  json::object out{{"kind", "volume"},
                   {"name", printable(rule.name)},
                   {"paths", describe(rule.destinations)},
                   {"sources", describe(rule.sources)},
                   {"types", describe(rule.types)},
                   {"verdict", view(to_string(rule.verdict))}};
  add_uses(out, context, policy, rule.name);
  if (rule.read_only) out["read_only"] = *rule.read_only;
  return out;
}

json::object describe_policy(const ServiceContext& context, const policy::Policy& policy) {
  const auto now = std::chrono::floor<std::chrono::seconds>(Wall::now());
  json::array rules;
  for (const auto& rule : policy.denies) rules.push_back(describe_rule(context, policy, rule, "deny", now));
  for (const auto& rule : policy.allows) rules.push_back(describe_rule(context, policy, rule, "allow", now));
  for (const auto& rule : policy.volumes) rules.push_back(describe_volume(context, policy, rule));
  if (policy.seal) {
    json::object seal{{"kind", "seal"},
                      {"name", "Seal"},
                      {"window_ms", policy.seal->window.count()},
                      {"until_file", describe(policy.seal->until)}};
    add_uses(seal, context, policy, "Seal");
    rules.push_back(std::move(seal));
  }
  return {{"name", printable(policy.name)},
          {"file", describe(policy.file)},
          {"mode", view(to_string(policy.drift.mode))},
          {"match", describe_match(policy.match)},
          {"verdicts", describe_drift(policy.drift)},
          {"action", view(to_string(policy.drift.action))},
          {"evidence", policy.drift.evidence},
          {"rules", std::move(rules)}};
}

/// The names of a policy's sections that `wanted` accepts, each once.
template <class Wanted>
json::array names_of(const std::vector<policy::Rule>& rules, Wanted wanted) {
  json::array out;
  for (const auto& rule : rules) {
    if (wanted(rule)) out.emplace_back(json::string(printable(rule.name)));
  }
  return out;
}

/// The policy that is not the container's only because nobody can tell its labels.
json::value missed_for_labels(const ServiceContext& context, const container::Container& container) {
  const auto names = container.names();
  const auto missed = names->labels_unknown ? context.policies()->find_but_for_labels(names->subject()) : nullptr;
  return missed ? describe(missed->name) : nullptr;
}

}  // namespace

control::Answer policy_list(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  const auto policies = context.policies();
  const auto containers = context.registry.all();
  const auto now = std::chrono::floor<std::chrono::seconds>(Wall::now());
  json::array list;
  for (const auto& policy : policies->all()) {
    const auto users = std::ranges::count_if(containers, [&](const auto& container) {
      const auto its = container->policy();
      return its != nullptr && its->name == policy->name;
    });
    list.push_back(json::object{
        {"name", printable(policy->name)},
        {"file", describe(policy->file)},
        {"mode", view(to_string(policy->drift.mode))},
        {"match", describe_match(policy->match)},
        {"allow_rules", policy->allows.size()},
        {"deny_rules", policy->denies.size()},
        {"volume_rules", policy->volumes.size()},
        {"unused", names_of(policy->allows, [&](const auto& rule) { return is_unused(context, *policy, rule.name); })},
        {"expired", names_of(policy->allows, [&](const auto& rule) { return has_expired(rule, now); })},
        {"containers", users}});
  }
  return json::object{{"policies", std::move(list)}};
}

control::Answer policy_show(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({"container"}); !known) return bad_input(known.error());
  const auto name = request.required_text("container");
  if (!name) return bad_input(name.error());
  const auto container = context.registry.resolve(*name);
  if (!container) return bad_input(container.error());
  const auto policy = (*container)->policy();
  if (policy == nullptr) return bad_input({0, "this container has no policy yet; try again in a moment"});
  const auto overriding = (*container)->overriding();
  return json::object{{"container", identify(**container)},
                      {"policy", describe_policy(context, *policy)},
                      {"policy_mode", view(to_string((*container)->own_policy()->drift.mode))},
                      {"labels_known", !(*container)->names()->labels_unknown},
                      {"missed_for_labels", missed_for_labels(context, **container)},
                      {"override", overriding ? json::value(describe_override(*overriding, context.overriding->now()))
                                              : json::value()}};
}

control::Answer policy_reload(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  if (const auto done = context.reload(); !done) return bad_input(done.error());
  return json::object{{"policies", context.policies()->all().size()}};
}

}  // namespace holdfast::daemon
