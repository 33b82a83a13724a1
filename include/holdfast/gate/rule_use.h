#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace holdfast::gate {

/// How often each exception and prohibition decided, by policy and section name, since the service started. Any thread.
class RuleUse {
 public:
  void count(const std::string& policy, const std::string& rule) {
    const std::lock_guard lock(mutex_);
    ++uses_[{policy, rule}];
  }
  [[nodiscard]] std::uint64_t uses(const std::string& policy, const std::string& rule) const {
    const std::lock_guard lock(mutex_);
    const auto found = uses_.find({policy, rule});
    return found == uses_.end() ? 0 : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> uses_;
};

}  // namespace holdfast::gate
