#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

/// A SHA-256 digest (FIPS 180-4), as bytes.
using Sha256 = std::array<std::uint8_t, 32>;

/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(const Sha256& digest);
/// Exactly 64 hexadecimal digits of either case, or nothing.
[[nodiscard]] std::optional<Sha256> parse_sha256(std::string_view hex);

}  // namespace holdfast
