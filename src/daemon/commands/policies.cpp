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

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }

json::array list_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(json::string(printable(text)));
  return out;
}

/// Only the keys that the file has.
json::object describe_match(const policy::Match& match) {
  json::object out;
  const auto add = [&](const char* key, const std::vector<std::string>& globs) {
    if (!globs.empty()) out[key] = list_of(globs);
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

json::object describe_drift(const policy::Drift& drift) {
  json::object verdicts;
  for (const auto reason : policy::kReasons) {
    verdicts[view(to_string(reason))] = view(to_string(drift.verdict_for(reason)));
  }
  return verdicts;
}

json::object describe_rule(const ServiceContext& context, const policy::Policy& policy, const policy::Rule& rule,
                           const char* kind, sys_seconds now) {
  json::array hashes;
  for (const auto& hash : rule.hashes) hashes.emplace_back(json::string(to_hex(hash)));
  json::object out{{"kind", kind},
                   {"name", printable(rule.name)},
                   {"paths", list_of(rule.paths)},
                   {"sha256", std::move(hashes)},
                   {"reason", describe(rule.reason)},
                   {"used", context.rule_uses ? context.rule_uses(policy, rule.name) : 0}};
  if (rule.until) {
    out["until"] = rfc3339(*rule.until);
    out["expired"] = *rule.until <= now;
  }
  return out;
}

json::object describe_policy(const ServiceContext& context, const policy::Policy& policy) {
  const auto now = std::chrono::floor<std::chrono::seconds>(Wall::now());
  json::array rules;
  for (const auto& rule : policy.denies) rules.push_back(describe_rule(context, policy, rule, "deny", now));
  for (const auto& rule : policy.allows) rules.push_back(describe_rule(context, policy, rule, "allow", now));
  return {{"name", printable(policy.name)},
          {"file", describe(policy.file)},
          {"mode", view(to_string(policy.drift.mode))},
          {"match", describe_match(policy.match)},
          {"verdicts", describe_drift(policy.drift)},
          {"rules", std::move(rules)}};
}

}  // namespace

control::Answer policy_list(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  const auto policies = context.policies();
  const auto containers = context.registry.all();
  json::array list;
  for (const auto& policy : policies->all()) {
    const auto users = std::ranges::count_if(containers, [&](const auto& container) {
      const auto its = container->policy();
      return its != nullptr && its->name == policy->name;
    });
    list.push_back(json::object{{"name", printable(policy->name)},
                                {"file", describe(policy->file)},
                                {"mode", view(to_string(policy->drift.mode))},
                                {"match", describe_match(policy->match)},
                                {"allow_rules", policy->allows.size()},
                                {"deny_rules", policy->denies.size()},
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
  return json::object{{"container", identify(**container)}, {"policy", describe_policy(context, *policy)}};
}

control::Answer policy_reload(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  if (const auto done = context.reload(); !done) return bad_input(done.error());
  return json::object{{"policies", context.policies()->all().size()}};
}

}  // namespace holdfast::daemon
