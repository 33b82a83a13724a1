#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

namespace holdfast::policy {

/// Parses one policy file's text. The error's message is "FILE:LINE: [Section] Key: what is wrong; what would be
/// right". Keys of interface.md that this version does not do yet are refused by name.
[[nodiscard]] Result<Policy> parse_policy(std::string_view text, const std::string& file);
/// Reads and parses; at most 1 MiB, regular files only.
[[nodiscard]] Result<Policy> load_policy(const std::string& file);

/// All policies in effect, in lexical order of their file names, with the default last.
class PolicySet {
 public:
  PolicySet(std::vector<Policy> policies, Drift defaults);

  /// Loads every *.policy below `directory`; a missing directory is an empty set. All or nothing.
  [[nodiscard]] static Result<PolicySet> load(const std::string& directory, const Drift& defaults);

  /// The first policy that fits, else the default (name "default"). Never null.
  [[nodiscard]] std::shared_ptr<const Policy> find(const Subject& subject) const;
  [[nodiscard]] const std::vector<std::shared_ptr<const Policy>>& all() const { return policies_; }
  /// Whether any policy or the default has Mode=prevent: a container that is not named yet must then be treated as one.
  [[nodiscard]] bool any_prevents() const;
  /// The first policy before the subject's own that would fit with other labels; null if there is none.
  [[nodiscard]] std::shared_ptr<const Policy> find_but_for_labels(const Subject& subject) const;

 private:
  std::vector<std::shared_ptr<const Policy>> policies_;  ///< the default is the last
};

}  // namespace holdfast::policy
