#include "replay_report.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

/// All that a replay goes by, and what was decided then.
std::string key_of(const alert::Record& record) {
  const auto& alert = record.alert;
  const auto container = alert.container.value_or(alert::ContainerInfo());
  const auto file = alert.file.value_or(alert::FileInfo());
  const auto image = alert.image_file.value_or(alert::ImageFileInfo());
  std::string key;
  for (const std::string* part :
       {&alert.reason, &alert.verdict, &alert.mode, &alert.policy, &alert.rule, &container.id, &container.name,
        &container.image, &container.image_digest, &container.runtime, &container.name_space, &container.pod,
        &file.path, &file.sha256, &file.layer, &image.sha256}) {
    key.append(*part).push_back('\0');
  }
  key += fmt::format("{} {} {}", alert.image_file.has_value(), image.mode, file.size.value_or(0));
  if (alert.writer) {
    key += fmt::format(" {} {}", alert::to_string(alert.writer->how), alert.writer->time <= alert.time);
  }
  for (const auto& one : record.cut) key.append(1, '\0').append(one);
  for (const auto* program :
       {alert.process ? &alert.process->exe : nullptr, alert.writer ? &alert.writer->exe : nullptr}) {
    key += '\0';
    if (program != nullptr) key += *program;
  }
  return key;
}

}  // namespace

ReplayReport::Fate ReplayReport::fate_of(const verdict::Replayed& replayed) {
  if (!replayed.certain()) return Fate::unknown;
  const auto& outcome = replayed.outcomes.front();
  if (outcome.policy.empty()) return Fate::not_covered;
  if (outcome.decision.verdict == policy::Verdict::allow) return Fate::silent;
  return outcome.decision.runs() ? Fate::alerted : Fate::denied;
}

Result<void> ReplayReport::add(const alert::Record& record) {
  const std::uint64_t attempts = std::max<std::uint64_t>(record.alert.repeats, 1);
  const auto [place, is_new] = index_.try_emplace(key_of(record), groups_.size());
  if (is_new) {
    if (groups_.size() >= kMostGroups) {
      return Error{0,
                   fmt::format("more than {} different attempts; fewer alerts, of one day or container, would be right",
                               kMostGroups)};
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(Wall::now());
    auto replayed = verdict::replay(record, policies_, now);
    if (!replayed) return replayed.error();
    groups_.push_back({record.alert, 0, 0, std::move(*replayed)});
  }
  Group& group = groups_[place->second];
  ++group.alerts;
  group.attempts += attempts;
  attempts_.at(static_cast<std::size_t>(fate_of(group.now))) += attempts;
  if (!group.now.certain()) return {};
  const auto& outcome = group.now.outcomes.front();
  if (!outcome.decision.rule.empty()) uses_[{outcome.policy, outcome.decision.rule}] += attempts;
  if (outcome.by_hash) by_hash_ += attempts;
  return {};
}

std::uint64_t ReplayReport::attempts() const {
  return std::accumulate(attempts_.begin(), attempts_.end(), std::uint64_t{0});
}

std::uint64_t ReplayReport::uses(const std::string& policy, const std::string& rule) const {
  const auto found = uses_.find({policy, rule});
  return found == uses_.end() ? 0 : found->second;
}

}  // namespace holdfast::cli
