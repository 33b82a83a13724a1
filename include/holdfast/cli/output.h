#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "holdfast/cli/terminal.h"

namespace holdfast::cli {

void print(std::string_view text);
/// One JSON document on one line.
void print_json(const boost::json::value& value);
/// "holdfast: …" on standard error.
void complain(std::string_view text);

/// A bar on standard error that is there only while something lasts and only for a person.
class ProgressBar {
 public:
  explicit ProgressBar(const Terminal& terminal) : terminal_(terminal) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(std::string_view label, std::uint64_t done, std::uint64_t all);
  /// Makes room for a line of output.
  void clear();

 private:
  const Terminal terminal_;
  bool shown_ = false;
};

/// The bar's text, for `columns` columns.
[[nodiscard]] std::string render_bar(std::string_view label, std::uint64_t done, std::uint64_t all,
                                     std::size_t columns);

}  // namespace holdfast::cli
