#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "holdfast/base/clock.h"
#include "holdfast/policy/load.h"

namespace holdfast::gate {

/// How often each exception, prohibition and [Volume] section decided, by policy and section name, since the service
/// started or the section came. Any thread.
class RuleUse {
 public:
  struct Uses {
    std::uint64_t count = 0;
    Wall::time_point since = {};  ///< counted from then on
  };

  /// Counting begins for the sections that are new among these policies.
  void begin(const policy::PolicySet& policies) {
    const auto now = Wall::now();
    const std::lock_guard lock(mutex_);
    for (const auto& policy : policies.all()) {
      for (const auto* rules : {&policy->allows, &policy->denies}) {
        for (const auto& rule : *rules) uses_.try_emplace({policy->name, rule.name}, Uses{0, now});
      }
      if (policy->seal) uses_.try_emplace({policy->name, "Seal"}, Uses{0, now});
      for (const auto& rule : policy->volumes) uses_.try_emplace({policy->name, rule.name}, Uses{0, now});
    }
  }
  void count(const std::string& policy, const std::string& rule) {
    const std::lock_guard lock(mutex_);
    ++uses_.try_emplace({policy, rule}, Uses{0, Wall::now()}).first->second.count;
  }
  [[nodiscard]] Uses uses(const std::string& policy, const std::string& rule) const {
    const std::lock_guard lock(mutex_);
    const auto found = uses_.find({policy, rule});
    return found == uses_.end() ? Uses{0, Wall::now()} : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Uses> uses_;
};

}  // namespace holdfast::gate
