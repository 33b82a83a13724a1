#include "drift_section.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "values.h"

namespace holdfast::policy {
namespace {

struct ReasonKey {
  std::string_view key;
  Reason reason;
  std::string_view missing;  ///< why other verdicts than allow cannot be kept yet; empty: they can
};

constexpr std::array kReasonKeys = {
    ReasonKey{"Added", Reason::added, ""},
    ReasonKey{"Modified", Reason::modified, ""},
    ReasonKey{"MadeExecutable", Reason::made_executable, ""},
    ReasonKey{"Relocated", Reason::relocated, ""},
    ReasonKey{"Volume", Reason::volume, "what is executed from volumes is not mediated yet"},
    ReasonKey{"Fileless", Reason::fileless, "what is executed from memory (memfd) is not mediated yet"},
    ReasonKey{"Loader", Reason::loader, "programs started through ld.so are not told apart yet"},
    ReasonKey{"Library", Reason::library, "shared libraries are not judged yet"},
};

/// A verdict that a reason was given, and where.
struct Given {
  const Entry* entry = nullptr;
  Verdict verdict = Verdict::allow;
};

std::optional<std::string> take_verdict(const ReasonKey& reason_key, const Entry& entry, Drift& drift,
                                        std::vector<Given>& given) {
  const auto verdict = parse_verdict(entry.value);
  if (!verdict) {
    return fmt::format("{} is not a verdict; allow, alert or deny would be right", quoted(entry.value));
  }
  if (!reason_key.missing.empty() && *verdict != Verdict::allow) {
    return not_supported(reason_key.missing, "allow, or leaving the key out");
  }
  drift.verdicts[static_cast<std::size_t>(reason_key.reason)] = *verdict;
  given.push_back({&entry, *verdict});
  return std::nullopt;
}

std::optional<std::string> take_mode(const Entry& entry, Drift& drift) {
  const auto mode = parse_mode(entry.value);
  if (!mode) return fmt::format("{} is not a mode; off, detect or prevent would be right", quoted(entry.value));
  drift.mode = *mode;
  return std::nullopt;
}

std::optional<std::string> take_evidence(const Entry& entry) {
  const auto size = parse_size(entry.value);
  if (!size) return fmt::format("{} is not a size; 0 would be right", quoted(entry.value));
  if (*size != 0) return not_supported("copies of denied files are not kept yet", "0, or leaving the key out");
  return std::nullopt;
}

std::optional<std::string> take_action(const Entry& entry) {
  if (entry.value == "none") return std::nullopt;
  if (entry.value == "kill" || entry.value == "pause" || entry.value == "stop") {
    return not_supported("nothing is done to the offender beyond the verdict yet", "none, or leaving the key out");
  }
  return fmt::format("{} is not an action; none would be right", quoted(entry.value));
}

}  // namespace

std::string not_supported(std::string_view what, std::string_view right) {
  return fmt::format("not supported by this version: {}; {} would be right", what, right);
}

std::optional<std::string> take_deadline_answer(std::string_view value, std::optional<Verdict>& answer) {
  const auto verdict = parse_verdict(value);
  if (!verdict || *verdict == Verdict::alert) {
    return fmt::format("{} is not an answer; allow or deny would be right", quoted(value));
  }
  answer = verdict;
  return std::nullopt;
}

Result<Drift> parse_drift(const Section& section, const std::string& file) {
  Drift drift;
  std::vector<Given> given;
  std::vector<Key> keys = {
      {"Mode", false, [&](const Entry& entry) { return take_mode(entry, drift); }},
      {"OnDeadline", false,
       [&](const Entry& entry) {
         auto wrong = take_deadline_answer(entry.value, drift.on_deadline);
         if (!wrong) given.push_back({&entry, *drift.on_deadline});
         return wrong;
       }},
      {"Evidence", false, take_evidence},
      {"Action", false, take_action},
  };
  for (const ReasonKey& reason_key : kReasonKeys) {
    keys.push_back({std::string(reason_key.key), false,
                    [&](const Entry& entry) { return take_verdict(reason_key, entry, drift, given); }});
  }
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  if (drift.mode == Mode::prevent) return drift;
  for (const Given& one : given) {
    if (one.verdict != Verdict::deny) continue;
    return complaint(file, section, *one.entry,
                     fmt::format("deny never applies in {} mode; Mode=prevent, or {} would be right",
                                 to_string(drift.mode), one.entry->key == "OnDeadline" ? "allow" : "alert or allow"));
  }
  return drift;
}

}  // namespace holdfast::policy
