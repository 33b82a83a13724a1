#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"

namespace holdfast::policy {

/// One `Key=value` line; blanks around both are gone.
struct Entry {
  std::string key, value;
  unsigned line = 0;
};

/// `[KIND]` or `[KIND NAME]` and what follows it, in order.
struct Section {
  std::string kind, name;
  unsigned line = 0;
  std::vector<Entry> entries;
};

/// Splits INI text into sections. `#` and `;` start comment lines; a value reaches to the end of its line. Refuses NUL
/// bytes, more than 1 MiB, and lines of more than 64 KiB. Keys may repeat; what they mean is not known here.
[[nodiscard]] Result<std::vector<Section>> read_ini(std::string_view text, const std::string& file);

/// What a key of a section does with its value.
struct Key {
  std::string name;
  bool repeats = false;
  /// Takes the value, or says "what is wrong; what would be right". Not called for empty values: those mean unset.
  std::function<std::optional<std::string>(const Entry&)> take;
};

/// Hands every entry to its key. Unknown keys, and a second value for a key that has one, are errors.
[[nodiscard]] Result<void> take_entries(const Section& section, const std::vector<Key>& keys, const std::string& file);

/// "FILE:LINE: [Section] Key: COMPLAINT", printable whatever the file held.
[[nodiscard]] Error complaint(const std::string& file, const Section& section, const std::string& text);
[[nodiscard]] Error complaint(const std::string& file, const Section& section, const Entry& entry,
                              const std::string& text);
/// A piece of the file as a complaint quotes it: printable, not endless.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace holdfast::policy
