#pragma once

#include <array>
#include <string_view>

#include "holdfast/alert/alert.h"

namespace holdfast::alert {

/// What an alert's reason means and what to do about it, for somebody who was just woken up: one line each, of at most
/// `kMaxAdvice` characters, so that a pager that cuts lines leaves most of them.
struct Advice {
  Kind kind;
  std::string_view reason;
  std::string_view meaning;  ///< what has happened
  std::string_view check;    ///< where to look first
  std::string_view action;   ///< what to do then
};

inline constexpr std::size_t kMaxAdvice = 100;

/// Null for a reason without advice.
[[nodiscard]] const Advice* advice_for(Kind kind, std::string_view reason);

}  // namespace holdfast::alert
