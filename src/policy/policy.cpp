#include "holdfast/policy/policy.h"

#include <algorithm>

#include "holdfast/base/text.h"

namespace holdfast::policy {
namespace {

bool any_fits(const std::vector<std::string>& globs, std::string_view text) {
  return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const auto& g) { return glob_match(g, text); });
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

bool Match::fits(const Subject& subject) const {
  return any_fits_either(image, subject.image, subject.digest) &&
         any_fits_either(container, subject.name, subject.id) && any_fits(runtime, subject.runtime) &&
         any_fits(name_space, subject.name_space) && any_fits(pod, subject.pod) && label_fits(labels, subject.labels);
}

bool Rule::fits(std::string_view path, const std::optional<Sha256>& sha256) const {
  if (paths.empty() && hashes.empty()) return false;  // a rule that asks for nothing must not fit everything
  const bool path_fits = paths.empty() || std::any_of(paths.begin(), paths.end(),
                                                      [&](const auto& glob) { return path_glob_match(glob, path); });
  if (!path_fits) return false;
  return hashes.empty() || (sha256 && std::find(hashes.begin(), hashes.end(), *sha256) != hashes.end());
}

Verdict Drift::verdict_for(Reason reason) const {
  if (mode == Mode::off) return Verdict::allow;
  const auto& configured = verdicts[static_cast<std::size_t>(reason)];
  if (configured) return *configured;
  if (reason == Reason::relocated || reason == Reason::library) return Verdict::allow;
  if (reason == Reason::volume) return Verdict::alert;
  return mode == Mode::prevent ? Verdict::deny : Verdict::alert;
}

}  // namespace holdfast::policy
