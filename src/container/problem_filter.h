#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "holdfast/base/clock.h"

namespace holdfast::container {

/// Tells the same problem once a minute at most: the barrier passes the same mounts again with every runtime.
class ProblemFilter {
 public:
  explicit ProblemFilter(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}

  void operator()(const std::string& sentence) {
    constexpr std::chrono::minutes kQuiet{1};
    constexpr std::size_t kRemembered = 256;
    const auto now = Steady::now();
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(told_, [&](const auto& one) { return now - one.second > kQuiet; });
      if (told_.contains(sentence) || told_.size() >= kRemembered) return;
      told_.emplace(sentence, now);
    }
    tell_(sentence);
  }

 private:
  const std::function<void(const std::string&)> tell_;
  std::mutex mutex_;
  std::map<std::string, Steady::time_point> told_;
};

}  // namespace holdfast::container
