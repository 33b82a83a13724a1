#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/sha256.h"
#include "holdfast/policy/reason.h"

namespace holdfast::policy {

enum class Mode { off, detect, prevent };
enum class Verdict { allow, alert, deny };
[[nodiscard]] std::string_view to_string(Mode mode);
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view text);
[[nodiscard]] std::string_view to_string(Verdict verdict);
[[nodiscard]] std::optional<Verdict> parse_verdict(std::string_view text);

/// What a policy can match a container by. Unknown fields are empty; an empty field fits only an absent key or `*`.
struct Subject {
  std::string name;
  std::string id;
  std::string image;  ///< reference
  std::string digest;
  std::string runtime;
  std::string name_space;
  std::string pod;
  std::map<std::string, std::string> labels;
};

/// [Match]: all keys must fit; a repeated key fits if any of its globs does.
struct Match {
  std::vector<std::string> image, container, runtime, name_space, pod;
  std::vector<std::pair<std::string, std::string>> labels;  ///< key, glob on the value
  [[nodiscard]] bool fits(const Subject& subject) const;
};

/// One [Allow NAME] or [Deny NAME] section.
struct Rule {
  std::string name;
  std::vector<std::string> paths;  ///< globs (path_glob_match) on the path in the container
  std::vector<Sha256> hashes;
  std::optional<std::chrono::sys_seconds> until;  ///< Allow only: ended from this moment on
  std::string reason;

  /// Path and hash keys alone; `sha256` unknown never fits a rule that asks for one.
  [[nodiscard]] bool fits(std::string_view path, const std::optional<Sha256>& sha256) const;
  [[nodiscard]] bool needs_hash() const { return !hashes.empty(); }
};

/// [Drift].
struct Drift {
  Mode mode = Mode::detect;
  std::array<std::optional<Verdict>, kReasons.size()> verdicts{};
  std::optional<Verdict> on_deadline;  ///< allow or deny; unset: the service's
  enum class Action { none, kill, pause, stop } action = Action::none;

  /// The configured verdict, or the default that interface.md gives for the mode.
  [[nodiscard]] Verdict verdict_for(Reason reason) const;
};

/// One policy file, or the built-in default (name "default"). Immutable once loaded; shared by containers.
struct Policy {
  std::string name;  ///< file name without directory
  std::string file;  ///< where it was read
  Match match;
  Drift drift;
  std::vector<Rule> allows;
  std::vector<Rule> denies;
};

}  // namespace holdfast::policy
