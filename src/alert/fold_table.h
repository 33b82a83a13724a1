#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/alert/alert.h"
#include "holdfast/base/clock.h"

namespace holdfast::alert {

/// What makes two drift alerts the same attempt; nothing for other kinds, which are never folded.
[[nodiscard]] std::optional<std::string> fold_key(const Alert& alert);

/// Memory that an alert takes, roughly.
[[nodiscard]] std::size_t bytes_of(const Alert& alert);

/// Remembers attempts for a span after their first alert and counts the identical ones. Not thread-safe; the clock is
/// the caller's. Past its span an attempt still counts, until `take_ended` has taken it.
class FoldTable {
 public:
  FoldTable(std::size_t capacity, std::chrono::milliseconds span) : capacity_(capacity), span_(span) {}

  enum class Outcome {
    unknown,  ///< not remembered: an alert of its own
    folded,   ///< counted
    no_room,  ///< would be counted, but there is no memory to keep it for the report
  };
  /// `has_room`: memory for one alert more.
  [[nodiscard]] Outcome fold(const std::string& key, Alert& alert, bool has_room);

  /// Remembers an attempt, one that is `unknown`, from now on; without effect when the table is full.
  void remember(std::string key, Steady::time_point now);

  /// Forgets attempts whose span is over, and returns the reports of those that were repeated: the latest attempt, with
  /// `repeats`.
  [[nodiscard]] std::vector<Alert> take_ended(Steady::time_point now);

  [[nodiscard]] std::optional<Steady::time_point> next_end() const;
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Attempt {
    Steady::time_point end;
    std::optional<Alert> latest;
    std::uint64_t repeats = 0;
  };
  // Ordered, not hashed: the keys are the attacker's, and so would the collisions be.
  using Attempts = std::map<std::string, Attempt>;

  const std::size_t capacity_;
  const std::chrono::milliseconds span_;
  Attempts attempts_;
  std::deque<Attempts::iterator> by_end_;  ///< all spans are equally long: the first remembered ends first
  std::size_t bytes_ = 0;
};

}  // namespace holdfast::alert
