#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "holdfast/verdict/replay.h"

namespace holdfast::cli {

/// What `policy replay` found: attempts that are alike in all that was judged, folded.
class ReplayReport {
 public:
  static constexpr std::size_t kMostGroups = 10'000;

  struct Group {
    alert::Alert alert;  ///< the first
    std::uint64_t alerts = 0, attempts = 0;
    verdict::Replayed now;
  };
  enum class Fate { silent, alerted, denied, unknown, not_covered };
  static constexpr std::size_t kFates = 5;
  [[nodiscard]] static Fate fate_of(const verdict::Replayed& replayed);

  explicit ReplayReport(std::vector<policy::Policy> policies) : policies_(std::move(policies)) {}
  [[nodiscard]] Result<void> add(const alert::Record& record);

  [[nodiscard]] const std::vector<policy::Policy>& policies() const { return policies_; }
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
  [[nodiscard]] std::uint64_t attempts(Fate fate) const { return attempts_.at(static_cast<std::size_t>(fate)); }
  [[nodiscard]] std::uint64_t attempts() const;
  [[nodiscard]] std::uint64_t by_hash() const { return by_hash_; }
  /// How many attempts a section would certainly have decided.
  [[nodiscard]] std::uint64_t uses(const std::string& policy, const std::string& rule) const;

 private:
  const std::vector<policy::Policy> policies_;
  std::map<std::string, std::size_t> index_;
  std::vector<Group> groups_;
  std::array<std::uint64_t, kFates> attempts_{};
  std::map<std::pair<std::string, std::string>, std::uint64_t> uses_;
  std::uint64_t by_hash_ = 0;
};

}  // namespace holdfast::cli
