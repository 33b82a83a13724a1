#pragma once

#include <set>
#include <string>

#include <boost/json/value.hpp>

#include "holdfast/base/clock.h"
#include "holdfast/cli/terminal.h"

namespace holdfast::cli {

/// How alerts are shown to somebody at a terminal: a few lines each, with the advice for a reason beside the first
/// alert that has it. Lines are cut to the terminal's width, but for the file's path: that is there to be copied.
class AlertLayout {
 public:
  explicit AlertLayout(const Terminal& terminal) : terminal_(terminal) {}
  /// `alert` is the JSON object of interface.md, `time` its moment.
  [[nodiscard]] std::string render(const boost::json::value& alert, Wall::time_point time, Wall::time_point now);

 private:
  [[nodiscard]] std::string headline(const boost::json::value& alert, Wall::time_point time,
                                     Wall::time_point now) const;
  [[nodiscard]] std::string line(std::string_view label, const std::string& text, Colour colour = Colour::none) const;
  [[nodiscard]] std::string drift(const boost::json::value& alert, Wall::time_point time) const;
  [[nodiscard]] std::string advice(const boost::json::value& alert);

  const Terminal terminal_;
  std::set<std::string> advised_;  ///< reasons
};

}  // namespace holdfast::cli
