#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace holdfast::kernel {

/// A decimal number that is the whole text; false, if it is none or does not fit.
template <class T>
[[nodiscard]] bool parse_number(std::string_view text, T& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size();
}

}  // namespace holdfast::kernel
