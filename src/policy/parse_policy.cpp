#include <fcntl.h>

#include <set>

#include <fmt/format.h>

#include "holdfast/policy/load.h"

#include "drift_section.h"
#include "ini.h"
#include "read_file.h"
#include "rule_section.h"
#include "seal_section.h"
#include "volume_section.h"

namespace holdfast::policy {
namespace {

/// Puts a section's outcome where it belongs in the policy.
template <class T, class Place>
Result<void> keep(Result<T> parsed, Place place) {
  if (!parsed) return parsed.error();
  place(std::move(parsed).value());
  return {};
}

Result<void> take_section(const Section& section, const std::string& file, Policy& policy) {
  const bool named = !section.name.empty();
  if (section.kind == "Match" && !named) {
    return keep(parse_match(section, file), [&](Match&& match) { policy.match = std::move(match); });
  }
  if (section.kind == "Drift" && !named) {
    return keep(parse_drift(section, file), [&](Drift&& drift) { policy.drift = drift; });
  }
  if (section.kind == "Allow") {
    return keep(parse_allow(section, file), [&](Rule&& rule) { policy.allows.push_back(std::move(rule)); });
  }
  if (section.kind == "Deny") {
    return keep(parse_deny(section, file), [&](Rule&& rule) { policy.denies.push_back(std::move(rule)); });
  }
  if (section.kind == "Volume") {
    return keep(parse_volume(section, file), [&](VolumeRule&& rule) { policy.volumes.push_back(std::move(rule)); });
  }
  if (section.kind == "Seal" && !named) {
    return keep(parse_seal(section, file), [&](Seal&& seal) { policy.seal = std::move(seal); });
  }
  return complaint(
      file, section,
      "unknown section; [Match], [Drift], [Allow NAME], [Deny NAME], [Volume NAME] or [Seal] would be right");
}

/// [Drift] may come after the sections that its mode decides about.
Result<void> check_volumes(const std::vector<Section>& sections, const std::string& file, Mode mode) {
  if (mode == Mode::prevent) return {};
  for (const Section& section : sections) {
    if (section.kind != "Volume") continue;
    for (const Entry& entry : section.entries) {
      if (entry.key != "Verdict" || parse_verdict(entry.value) != Verdict::deny) continue;
      return complaint(file, section, entry, never_applies("deny", mode, "alert or allow"));
    }
  }
  return {};
}

}  // namespace

Result<Policy> parse_policy(std::string_view text, const std::string& file) {
  const auto sections = read_ini(text, file);
  if (!sections) return sections.error();
  Policy policy;
  policy.name = file.substr(file.rfind('/') + 1);  // npos + 1 is 0
  policy.file = file;
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const Section& section : *sections) {
    if (!seen.emplace(section.kind, section.name).second) {
      return complaint(file, section, "the section is there twice; one of them, or another name, would be right");
    }
    if (auto taken = take_section(section, file, policy); !taken) return taken.error();
  }
  if (auto checked = check_volumes(*sections, file, policy.drift.mode); !checked) return checked.error();
  return policy;
}

Result<Policy> load_policy(const std::string& file) {
  const auto text = read_file(AT_FDCWD, file, file, Trust::anyone);
  if (!text) return text.error();
  return parse_policy(*text, file);
}

}  // namespace holdfast::policy
