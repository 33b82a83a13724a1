#include "holdfast/policy/policy.h"

#include <algorithm>

#include "holdfast/base/text.h"

namespace holdfast::policy {
namespace {

bool any_fits(const std::vector<std::string>& globs, std::string_view text) {
  return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const auto& g) { return glob_match(g, text); });
}

bool any_path_fits(const std::vector<std::string>& globs, std::string_view path) {
  return globs.empty() ||
         std::any_of(globs.begin(), globs.end(), [&](const auto& g) { return path_glob_match(g, path); });
}

/// A container or image goes by two names; a glob may mean either. An unknown one fits nothing that says something.
bool any_fits_either(const std::vector<std::string>& globs, std::string_view one, std::string_view other) {
  if (one.empty()) return any_fits(globs, other);
  return any_fits(globs, one) || (!other.empty() && any_fits(globs, other));
}

bool label_fits(const std::vector<std::pair<std::string, std::string>>& wanted,
                const std::map<std::string, std::string>& labels) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const auto& want) {
           const auto label = labels.find(want.first);
           return label != labels.end() && glob_match(want.second, label->second);
         });
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::off:
      return "off";
    case Mode::detect:
      return "detect";
    case Mode::prevent:
      return "prevent";
  }
  return "unknown";
}

std::optional<Mode> parse_mode(std::string_view text) {
  for (const Mode mode : {Mode::off, Mode::detect, Mode::prevent}) {
    if (to_string(mode) == text) return mode;
  }
  return std::nullopt;
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::allow:
      return "allow";
    case Verdict::alert:
      return "alert";
    case Verdict::deny:
      return "deny";
  }
  return "unknown";
}

std::optional<Verdict> parse_verdict(std::string_view text) {
  for (const Verdict verdict : {Verdict::allow, Verdict::alert, Verdict::deny}) {
    if (to_string(verdict) == text) return verdict;
  }
  return std::nullopt;
}

std::string_view to_string(Drift::Action action) {
  switch (action) {
    case Drift::Action::none:
      return "none";
    case Drift::Action::kill:
      return "kill";
    case Drift::Action::pause:
      return "pause";
    case Drift::Action::stop:
      return "stop";
  }
  return "unknown";
}

std::optional<Drift::Action> parse_action(std::string_view text) {
  for (const auto action : {Drift::Action::none, Drift::Action::kill, Drift::Action::pause, Drift::Action::stop}) {
    if (to_string(action) == text) return action;
  }
  return std::nullopt;
}

bool Match::fits(const Subject& subject) const {
  return fits_but_for_labels(subject) && label_fits(labels, subject.labels);
}

bool Match::fits_but_for_labels(const Subject& subject) const {
  return any_fits_either(image, subject.image, subject.digest) &&
         any_fits_either(container, subject.name, subject.id) && any_fits(runtime, subject.runtime) &&
         any_fits(name_space, subject.name_space) && any_fits(pod, subject.pod);
}

bool Rule::fits(const RuleSubject& subject) const {
  if (!asks()) return false;  // a rule that asks for nothing must not fit everything
  if (!any_path_fits(paths, subject.path)) return false;
  if (!hashes.empty() &&
      (!subject.sha256 || std::find(hashes.begin(), hashes.end(), *subject.sha256) == hashes.end())) {
    return false;
  }
  if (!writers.empty() && (subject.writer.empty() || !any_path_fits(writers, subject.writer))) return false;
  if (!parents.empty() && (subject.parent.empty() || !any_path_fits(parents, subject.parent))) return false;
  return images.empty() || std::any_of(subject.images.begin(), subject.images.end(),
                                       [&](const auto& image) { return any_fits(images, image); });
}

bool VolumeRule::fits(const VolumeSubject& volume) const {
  if (destinations.empty() && sources.empty() && types.empty() && !read_only) return false;
  if (read_only && *read_only == volume.writable) return false;
  return any_path_fits(destinations, volume.destination) && any_path_fits(sources, volume.source) &&
         any_fits(types, volume.type);
}

Verdict Drift::verdict_for(Reason reason) const {
  if (mode == Mode::off) return Verdict::allow;
  const auto& configured = verdicts[static_cast<std::size_t>(reason)];
  if (configured) return *configured;
  if (reason == Reason::relocated || reason == Reason::library) return Verdict::allow;
  if (reason == Reason::volume) return Verdict::alert;
  return mode == Mode::prevent ? Verdict::deny : Verdict::alert;
}

Verdict Drift::verdict_for_volume(bool writable) const {
  const bool configured = verdicts[static_cast<std::size_t>(Reason::volume)].has_value();
  return writable || configured ? verdict_for(Reason::volume) : Verdict::allow;
}

}  // namespace holdfast::policy
