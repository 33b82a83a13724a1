#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/alert/alert.h"

namespace holdfast::alert {

// How the alert's raw values are written, the same for people, JSON and the journal. All results are printable.

inline constexpr std::size_t kMaxPath = 4096;         // bytes
inline constexpr std::size_t kMaxCommandLine = 4096;  // bytes
inline constexpr std::size_t kMaxWord = 256;          // bytes: names, ids, rules
inline constexpr std::size_t kMaxReference = 1024;    // bytes: image references
inline constexpr std::size_t kMaxSentence = 4096;     // bytes
inline constexpr std::size_t kMaxAncestors = 32;
// Their JSON is one journal field, which readers want below 256 KiB even if it is all backslashes.
inline constexpr std::size_t kMaxAncestorPath = 2048;         // bytes
inline constexpr std::size_t kMaxAncestorCommandLine = 1024;  // bytes

[[nodiscard]] std::string_view to_string(Kind kind);

/// Printable and at most `limit` bytes, without looking at more of `raw` than that takes.
[[nodiscard]] std::string bounded(std::string_view raw, std::size_t limit);

/// The same for text inside a sentence: in quotes if it has blanks or quotes of its own, so that a file's name cannot
/// pass for the sentence around it.
[[nodiscard]] std::string bounded_word(std::string_view raw, std::size_t limit);

/// Arguments as one line of at most `limit` bytes; each one that is empty or has blanks or quotes in it stands in
/// quotes.
[[nodiscard]] std::string command_line(const std::vector<std::string>& arguments, std::size_t limit);

}  // namespace holdfast::alert
