#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// One program a target, which libFuzzer drives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace holdfast::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A property that must hold for every input.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Takes what stands before the next `separator` off `rest`.
inline std::string_view take_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

}  // namespace holdfast::fuzz
