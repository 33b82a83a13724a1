#include "volume_section.h"

#include <fmt/format.h>

#include "drift_section.h"
#include "values.h"

namespace holdfast::policy {
namespace {

using Complaint = std::optional<std::string>;

Complaint take_destination(const Entry& entry, VolumeRule& rule) {
  if (auto wrong = path_complaint(entry.value)) return wrong;
  rule.destinations.push_back(entry.value);
  return std::nullopt;
}

/// A path, or what else can be mounted: "server:/export", "tmpfs".
Complaint take_source(const Entry& entry, VolumeRule& rule) {
  if (entry.value.starts_with('/')) {
    if (auto wrong = path_complaint(entry.value)) return wrong;
  }
  rule.sources.push_back(entry.value);
  return std::nullopt;
}

Complaint take_type(const Entry& entry, VolumeRule& rule) {
  rule.types.push_back(entry.value);
  return std::nullopt;
}

Complaint take_read_only(const Entry& entry, VolumeRule& rule) {
  rule.read_only = parse_switch(entry.value);
  if (rule.read_only) return std::nullopt;
  return fmt::format("{} is not a switch; yes or no would be right", in_quotes(entry.value));
}

}  // namespace

Result<VolumeRule> parse_volume(const Section& section, const std::string& file) {
  if (section.name.empty()) return complaint(file, section, "it has no name; [Volume NAME] would be right");
  VolumeRule rule;
  rule.name = section.name;
  std::optional<Verdict> verdict;
  const std::vector<Key> keys = {
      {"Path", true, [&](const Entry& entry) { return take_destination(entry, rule); }},
      {"Source", true, [&](const Entry& entry) { return take_source(entry, rule); }},
      {"Type", true, [&](const Entry& entry) { return take_type(entry, rule); }},
      {"ReadOnly", false, [&](const Entry& entry) { return take_read_only(entry, rule); }},
      {"Verdict", false, [&](const Entry& entry) { return take_verdict(entry.value, verdict); }},
  };
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  if (rule.destinations.empty() && rule.sources.empty() && rule.types.empty() && !rule.read_only) {
    return complaint(file, section, "it names no mount; a Path=, Source=, Type= or ReadOnly= would be right");
  }
  if (!verdict) {
    return complaint(file, section, "it has no verdict; Verdict=allow, Verdict=alert or Verdict=deny would be right");
  }
  rule.verdict = *verdict;
  return rule;
}

}  // namespace holdfast::policy
