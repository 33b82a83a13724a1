#include "rule_section.h"

#include <fmt/format.h>

#include "values.h"

namespace holdfast::policy {
namespace {

Key glob_key(std::string name, std::vector<std::string>& globs) {
  return {std::move(name), true, [&globs](const Entry& entry) {
            globs.push_back(entry.value);
            return std::optional<std::string>();
          }};
}

std::optional<std::string> take_label(const Entry& entry, Match& match) {
  const std::size_t equals = entry.value.find('=');
  if (equals == std::string::npos || equals == 0) {
    return fmt::format("{} is not a label; KEY=GLOB, like tier=front, would be right", in_quotes(entry.value));
  }
  match.labels.emplace_back(entry.value.substr(0, equals), entry.value.substr(equals + 1));
  return std::nullopt;
}

Key path_key(std::string name, std::vector<std::string>& globs) {
  return {std::move(name), true, [&globs](const Entry& entry) {
            auto wrong = path_complaint(entry.value);
            if (!wrong) globs.push_back(entry.value);
            return wrong;
          }};
}

std::optional<std::string> take_hash(const Entry& entry, Rule& rule) {
  const auto hash = parse_sha256(entry.value);
  if (!hash) return fmt::format("{} is not a SHA-256; 64 hexadecimal digits would be right", in_quotes(entry.value));
  rule.hashes.push_back(*hash);
  return std::nullopt;
}

std::optional<std::string> take_until(const Entry& entry, Rule& rule) {
  rule.until = parse_moment(entry.value);
  if (rule.until) return std::nullopt;
  return fmt::format("{} is not a date; 2026-12-31 or 2026-12-31T18:00:00Z would be right", in_quotes(entry.value));
}

std::vector<Key> rule_keys(Rule& rule) {
  return {
      path_key("Path", rule.paths),
      {"Sha256", true, [&rule](const Entry& entry) { return take_hash(entry, rule); }},
      {"Reason", false,
       [&rule](const Entry& entry) {
         rule.reason = entry.value;
         return std::optional<std::string>();
       }},
  };
}

Result<Rule> finish(const Section& section, const std::vector<Key>& keys, Rule& rule, const std::string& file,
                    std::string_view right) {
  if (section.name.empty()) {
    return complaint(file, section, fmt::format("it has no name; [{} NAME] would be right", section.kind));
  }
  rule.name = section.name;
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  if (!rule.asks()) return complaint(file, section, fmt::format("it names no file; a {} would be right", right));
  return std::move(rule);
}

}  // namespace

Result<Match> parse_match(const Section& section, const std::string& file) {
  Match match;
  const std::vector<Key> keys = {
      glob_key("Image", match.image),     glob_key("Container", match.container),
      glob_key("Runtime", match.runtime), glob_key("Namespace", match.name_space),
      glob_key("Pod", match.pod),         {"Label", true, [&](const Entry& entry) { return take_label(entry, match); }},
  };
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  return match;
}

Result<Rule> parse_allow(const Section& section, const std::string& file) {
  Rule rule;
  auto keys = rule_keys(rule);
  keys.push_back({"Until", false, [&](const Entry& entry) { return take_until(entry, rule); }});
  keys.push_back(path_key("Writer", rule.writers));
  keys.push_back(path_key("Parent", rule.parents));
  keys.push_back(glob_key("Image", rule.images));
  return finish(section, keys, rule, file, "Path=, Sha256=, Writer=, Parent= or Image=");
}

Result<Rule> parse_deny(const Section& section, const std::string& file) {
  Rule rule;
  return finish(section, rule_keys(rule), rule, file, "Path= or Sha256=");
}

}  // namespace holdfast::policy
