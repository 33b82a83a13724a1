// A line that is a pattern, then the text for it.

#include "holdfast/base/text.h"

#include <algorithm>
#include <vector>

#include "target.h"

using namespace holdfast;

namespace {

/// The matcher's definition as a table, for patterns of literals and single stars: what the fast one must agree with.
bool slow_match(std::string_view pattern, std::string_view text, bool path) {
  std::vector<bool> reached(text.size() + 1, false);
  reached[0] = true;
  for (const char p : pattern) {
    std::vector<bool> next(text.size() + 1, false);
    for (std::size_t t = 0; t <= text.size(); ++t) {
      if (p == '*') {
        next[t] = reached[t] || (t > 0 && next[t - 1] && !(path && text[t - 1] == '/'));
      } else if (t > 0) {
        const bool any = p == '?' && !(path && text[t - 1] == '/');
        next[t] = reached[t - 1] && (any || (p != '?' && p == text[t - 1]));
      }
    }
    reached = std::move(next);
  }
  return reached[text.size()];
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  const std::string shown = printable(text);
  fuzz::require(shown.size() >= text.size());
  for (const char c : shown) fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  for (const std::size_t limit : {size_t{0}, size_t{1}, size_t{3}, size_t{10}, shown.size() / 2, shown.size()}) {
    const std::string cut = shorten(shown, limit);
    fuzz::require(cut.size() <= limit || shown.size() <= limit);
  }
  const std::string_view pattern = fuzz::take_part(text, '\n');
  const bool plain = glob_match(pattern, text);
  const bool path = path_glob_match(pattern, text);
  if (pattern.find_first_of("[\\") == std::string_view::npos) {
    fuzz::require(plain == slow_match(pattern, text, false));
    if (pattern.find("**") == std::string_view::npos) fuzz::require(path == slow_match(pattern, text, true));
  }
  return 0;
}
