#pragma once

#include <string>
#include <string_view>

namespace holdfast {

/// Makes bytes from a hostile source (a path, an argument, a name) safe to print and valid UTF-8: well-formed
/// UTF-8 without control characters stays as it is, every other byte and every backslash becomes `\xNN` or `\\`.
/// Reversible, so two different inputs never look the same.
[[nodiscard]] std::string printable(std::string_view bytes);

/// Cuts well-formed UTF-8 to at most `limit` bytes, at a character's edge, and marks the cut with "…".
[[nodiscard]] std::string shorten(std::string_view text, std::size_t limit);

/// Shell-like glob over bytes, in time O(pattern × text) and constant space, without recursion. `?` is any byte,
/// `*` any run of bytes, `[a-z]`/`[!a-z]` a class, `\` quotes the next byte.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);
/// The same for paths: `*`, `?` and classes do not match `/`; `**` does.
[[nodiscard]] bool path_glob_match(std::string_view pattern, std::string_view path);

}  // namespace holdfast
