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
};

constexpr std::array kReasonKeys = {
    ReasonKey{"Added", Reason::added},
    ReasonKey{"Modified", Reason::modified},
    ReasonKey{"MadeExecutable", Reason::made_executable},
    ReasonKey{"Relocated", Reason::relocated},
    ReasonKey{"Volume", Reason::volume},
    ReasonKey{"Fileless", Reason::fileless},
    ReasonKey{"Loader", Reason::loader},
    ReasonKey{"Library", Reason::library},
};

/// What only prevent mode does, where it was asked for, and what else would be right.
struct Forceful {
  const Entry* entry = nullptr;
  std::string_view what, right;
};

std::optional<std::string> take_reason(const ReasonKey& reason_key, const Entry& entry, Drift& drift,
                                       std::vector<Forceful>& forceful) {
  std::optional<Verdict>& verdict = drift.verdicts[static_cast<std::size_t>(reason_key.reason)];
  if (auto wrong = take_verdict(entry.value, verdict)) return wrong;
  if (verdict == Verdict::deny) forceful.push_back({&entry, "deny", "alert or allow"});
  return std::nullopt;
}

std::optional<std::string> take_mode(const Entry& entry, Drift& drift) {
  const auto mode = parse_mode(entry.value);
  if (!mode) return fmt::format("{} is not a mode; off, detect or prevent would be right", in_quotes(entry.value));
  drift.mode = *mode;
  return std::nullopt;
}

/// More than a copy could hold back for long.
constexpr std::uint64_t kMostEvidence = std::uint64_t{1} << 30;  // bytes

std::optional<std::string> take_evidence(const Entry& entry, Drift& drift, std::vector<Forceful>& forceful) {
  const auto size = parse_size(entry.value);
  if (!size || *size > kMostEvidence) {
    return fmt::format("{} is not a size; 0, or up to 1G, like 64M, would be right", in_quotes(entry.value));
  }
  drift.evidence = *size;
  if (*size != 0) forceful.push_back({&entry, "keeping what was denied", "0"});
  return std::nullopt;
}

std::optional<std::string> take_action(const Entry& entry, Drift& drift, std::vector<Forceful>& forceful) {
  const auto action = parse_action(entry.value);
  if (!action) {
    return fmt::format("{} is not an action; none, kill, pause or stop would be right", in_quotes(entry.value));
  }
  drift.action = *action;
  if (*action != Drift::Action::none) forceful.push_back({&entry, to_string(*action), "none"});
  return std::nullopt;
}

}  // namespace

std::string never_applies(std::string_view what, Mode mode, std::string_view right) {
  return fmt::format("{} never applies in {} mode; Mode=prevent, or {} would be right", what, to_string(mode), right);
}

std::optional<std::string> take_verdict(std::string_view value, std::optional<Verdict>& verdict) {
  verdict = parse_verdict(value);
  if (verdict) return std::nullopt;
  return fmt::format("{} is not a verdict; allow, alert or deny would be right", in_quotes(value));
}

std::optional<std::string> take_deadline_answer(std::string_view value, std::optional<Verdict>& answer) {
  const auto verdict = parse_verdict(value);
  if (!verdict || *verdict == Verdict::alert) {
    return fmt::format("{} is not an answer; allow or deny would be right", in_quotes(value));
  }
  answer = verdict;
  return std::nullopt;
}

Result<Drift> parse_drift(const Section& section, const std::string& file) {
  Drift drift;
  std::vector<Forceful> forceful;
  std::vector<Key> keys = {
      {"Mode", false, [&](const Entry& entry) { return take_mode(entry, drift); }},
      {"OnDeadline", false,
       [&](const Entry& entry) {
         auto wrong = take_deadline_answer(entry.value, drift.on_deadline);
         if (drift.on_deadline == Verdict::deny) forceful.push_back({&entry, "deny", "allow"});
         return wrong;
       }},
      {"Evidence", false, [&](const Entry& entry) { return take_evidence(entry, drift, forceful); }},
      {"Action", false, [&](const Entry& entry) { return take_action(entry, drift, forceful); }},
  };
  for (const ReasonKey& reason_key : kReasonKeys) {
    keys.push_back({std::string(reason_key.key), false,
                    [&](const Entry& entry) { return take_reason(reason_key, entry, drift, forceful); }});
  }
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  if (drift.mode == Mode::prevent) return drift;
  if (forceful.empty()) return drift;
  const Forceful& first = forceful.front();
  return complaint(file, section, *first.entry, never_applies(first.what, drift.mode, first.right));
}

}  // namespace holdfast::policy
