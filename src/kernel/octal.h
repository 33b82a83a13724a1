#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::kernel {

/// Undoes the kernel's seq_escape(): `\NNN` (three octal digits) becomes the byte. Any other backslash stays: it is
/// the file system's own. Nothing if that gives a NUL: the kernel's names have none, so it did not write this, and what
/// comes after would be lost on every system call.
[[nodiscard]] inline std::optional<std::string> undo_octal(std::string_view text) {
  constexpr auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && octal(text[i + 1]) && octal(text[i + 2]) &&
        octal(text[i + 3])) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  if (out.find('\0') != std::string::npos) return std::nullopt;
  return out;
}

}  // namespace holdfast::kernel
