#include "holdfast/base/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace holdfast {
namespace {

constexpr std::string_view kEllipsis = "…";

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

struct Character {
  char32_t value = 0;
  std::size_t length = 0;  ///< bytes; 0: not well-formed here
};

/// The UTF-8 character at `at` (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
Character character_at(std::string_view text, std::size_t at) {
  const std::uint8_t first = byte_at(text, at);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  char32_t value = 0;
  char32_t least = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2, value = first & 0x1fU, least = 0x80;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3, value = first & 0x0fU, least = 0x800;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4, value = first & 0x07U, least = 0x10000;
  } else {
    return {};
  }
  if (at + length > text.size()) return {};
  for (std::size_t i = at + 1; i < at + length; ++i) {
    if ((byte_at(text, i) & 0xc0U) != 0x80) return {};
    value = value << 6 | (byte_at(text, i) & 0x3fU);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length};
}

/// Control characters, and those that are as good as one: they break lines, vanish, or turn the text around them, so
/// that what a person reads is not what is there.
bool deceives(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

void append_escaped(std::string& out, std::uint8_t byte) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  out += "\\x";
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 0xfU];
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const Character c = character_at(bytes, i);
    if (c.length == 0) {
      append_escaped(out, byte_at(bytes, i++));
    } else if (c.value == U'\\') {
      out += "\\\\";
      ++i;
    } else if (deceives(c.value)) {
      for (const std::size_t end = i + c.length; i < end; ++i) append_escaped(out, byte_at(bytes, i));
    } else {
      out += bytes.substr(i, c.length);
      i += c.length;
    }
  }
  return out;
}

std::string shorten(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  const std::string_view mark = limit >= kEllipsis.size() ? kEllipsis : std::string_view();
  std::size_t end = limit - mark.size();
  while (end > 0 && (byte_at(text, end) & 0xc0U) == 0x80) --end;
  return std::string(text.substr(0, end)).append(mark);
}

}  // namespace holdfast
