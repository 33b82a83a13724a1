#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// What an output can show.
struct Terminal {
  bool interactive = false;  ///< a person looks at it
  bool colours = false;
  std::size_t columns = 0;  ///< 0: as wide as it takes

  /// Of a descriptor, honouring NO_COLOR and TERM=dumb.
  [[nodiscard]] static Terminal of(int fd);
};

enum class Colour { none, bold, dim, red, green, yellow };

/// The text in that colour, where the terminal has any.
[[nodiscard]] std::string paint(std::string_view text, Colour colour, const Terminal& terminal);

/// Columns that well-formed UTF-8 takes: characters, for what printable() lets through.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// At most that many columns, a cut marked with "…".
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);
/// Breaks text between words into lines of at most that many columns (0: one line).
[[nodiscard]] std::string wrap(std::string_view text, std::size_t columns, std::string_view indent);

}  // namespace holdfast::cli
