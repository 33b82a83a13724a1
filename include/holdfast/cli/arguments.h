#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"

namespace holdfast::cli {

/// One option of a command.
struct Option {
  std::string name;   ///< without the dashes
  char letter = 0;    ///< short form, or none
  std::string value;  ///< what its value is called in help ("TIME"); empty: a flag
  std::string help;
};

/// How many words a command takes besides its options.
struct WordCount {
  std::size_t least = 0;
  std::size_t most = 0;
  static constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
};

/// What a user typed after the command's name.
struct Arguments {
  std::map<std::string, std::string> values;  ///< by option name
  std::set<std::string> flags;
  std::vector<std::string> words;

  [[nodiscard]] bool has(const std::string& flag) const { return flags.contains(flag); }
  [[nodiscard]] std::optional<std::string> value(const std::string& option) const;
};

/// Options and words in any order, `--option=value` or `--option value`, `--` ends options. No abbreviations: they
/// would break scripts when an option is added. The error is a sentence for people.
[[nodiscard]] Result<Arguments> parse_arguments(const std::vector<std::string>& arguments,
                                                const std::vector<Option>& options, WordCount words);

}  // namespace holdfast::cli
