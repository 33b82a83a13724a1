#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
  /// Whatever labels it asks for.
  [[nodiscard]] bool fits_but_for_labels(const Subject& subject) const;
};

/// What a rule can ask of an execution. What is empty is unknown, and fits no rule that asks for it.
struct RuleSubject {
  std::string_view path = {};                ///< of the file, in the container
  std::optional<Sha256> sha256 = {};         ///< of its content
  std::string_view writer = {};              ///< path in the image of the program that wrote it
  std::string_view parent = {};              ///< path in the image of the program that executes it
  std::span<const std::string> images = {};  ///< references, digests and ids of the images that ship its content
};

/// One [Allow NAME] or [Deny NAME] section.
struct Rule {
  std::string name;
  std::vector<std::string> paths;  ///< globs (path_glob_match) on the path in the container
  std::vector<Sha256> hashes;
  std::vector<std::string> writers;               ///< Allow only: globs (path_glob_match)
  std::vector<std::string> parents;               ///< Allow only: globs (path_glob_match)
  std::vector<std::string> images;                ///< Allow only: globs (glob_match)
  std::optional<std::chrono::sys_seconds> until;  ///< Allow only: ended from this moment on
  std::string reason;

  /// All keys must fit, a repeated one by any of its values. A rule that asks for nothing fits nothing.
  [[nodiscard]] bool fits(const RuleSubject& subject) const;
  /// Fits by content, or by who wrote it: nobody else may be writing then, which hashing under a lease proves.
  [[nodiscard]] bool needs_hash() const { return !hashes.empty() || !images.empty() || !writers.empty(); }
  /// The keys Path, Sha256, … that say which executions it is about.
  [[nodiscard]] bool asks() const { return !paths.empty() || !parents.empty() || needs_hash(); }
};

/// The mount that a volume's file lies on, as the container sees it.
struct VolumeSubject {
  std::string destination;  ///< where it is mounted in the container
  std::string source;       ///< what is mounted there: the host's path of a bind mount, else the device or server
  std::string type;         ///< of the file system, as the kernel names it
  bool writable = true;     ///< the container can write it
};

/// One [Volume NAME] section: its verdict for what is executed from the mounts that it fits.
struct VolumeRule {
  std::string name;
  std::vector<std::string> destinations;  ///< globs (path_glob_match)
  std::vector<std::string> sources;       ///< globs (path_glob_match)
  std::vector<std::string> types;         ///< globs (glob_match)
  std::optional<bool> read_only;
  Verdict verdict = Verdict::alert;

  /// All keys must fit, a repeated one by any of its globs. A rule that asks for nothing fits nothing; an unknown
  /// (empty) property fits only `*` and `**`.
  [[nodiscard]] bool fits(const VolumeSubject& volume) const;
};

/// [Drift].
struct Drift {
  Mode mode = Mode::detect;
  std::array<std::optional<Verdict>, kReasons.size()> verdicts{};
  std::optional<Verdict> on_deadline;  ///< allow or deny; unset: the service's
  /// What happens to who tried, when an execution is denied; in prevent mode only. `kill`: SIGKILL to the process and
  /// to its process group. `pause` and `stop`: its whole container is frozen, or ended.
  enum class Action { none, kill, pause, stop } action = Action::none;
  std::uint64_t evidence = 0;  ///< copies of denied files are kept up to this size each, in bytes; 0: none

  /// The configured verdict, or the default that interface.md gives for the mode. For `volume` that of a mount that the
  /// container can write; `unmediated` has no key, see verdict::decide.
  [[nodiscard]] Verdict verdict_for(Reason reason) const;
  /// Whether opened files have to be looked at, not only executed ones.
  [[nodiscard]] bool judges_libraries() const { return verdict_for(Reason::library) != Verdict::allow; }
  /// `Volume=`, or the default for a mount that the container can or cannot write: the same in both modes.
  [[nodiscard]] Verdict verdict_for_volume(bool writable) const;
};

[[nodiscard]] std::string_view to_string(Drift::Action action);
[[nodiscard]] std::optional<Drift::Action> parse_action(std::string_view text);

/// [Seal]: a fresh container's first moments, in which the executables that it writes itself are pinned by hash.
struct Seal {
  /// Since its first execution; also the longest that `until` is waited for.
  std::chrono::milliseconds window = std::chrono::minutes(10);
  std::string until;  ///< path in the container whose appearance ends it; empty: nothing but the time does
};

/// One policy file, or the built-in default (name "default"). Immutable once loaded; shared by containers.
struct Policy {
  std::string name;  ///< file name without directory
  std::string file;  ///< where it was read
  Match match;
  Drift drift;
  std::vector<Rule> allows;
  std::vector<Rule> denies;
  std::vector<VolumeRule> volumes;  ///< in the file's order: the first that fits wins
  std::optional<Seal> seal;
};

}  // namespace holdfast::policy
