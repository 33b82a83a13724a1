#include "holdfast/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace holdfast::cli {
namespace {

constexpr std::size_t kDefaultColumns = 80;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }

const char* escape_of(Colour colour) {
  switch (colour) {
    case Colour::bold:
      return "\x1b[1m";
    case Colour::dim:
      return "\x1b[2m";
    case Colour::red:
      return "\x1b[31m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::none:
      break;
  }
  return "";
}

}  // namespace

Terminal Terminal::of(int fd) {
  Terminal terminal;
  terminal.interactive = ::isatty(fd) == 1;
  if (!terminal.interactive) return terminal;
  winsize size{};
  const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  terminal.columns = known ? size.ws_col : kDefaultColumns;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  terminal.colours =
      (no_colour == nullptr || *no_colour == '\0') && kind != nullptr && std::string_view(kind) != "dumb";
  return terminal;
}

std::string paint(std::string_view text, Colour colour, const Terminal& terminal) {
  if (!terminal.colours || colour == Colour::none || text.empty()) return std::string(text);
  return std::string(escape_of(colour)).append(text).append("\x1b[0m");
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string fit(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t characters = 0;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (begins_character(text[end]) && ++characters == columns) break;
  }
  return std::string(text.substr(0, end)).append("…");
}

std::string wrap(std::string_view text, std::size_t columns, std::string_view indent) {
  std::string out(indent);
  std::size_t width = display_width(indent);
  bool line_is_empty = true;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
    if (word.empty()) continue;
    if (!line_is_empty && columns != 0 && width + 1 + display_width(word) > columns) {
      out.append("\n").append(indent);
      width = display_width(indent);
      line_is_empty = true;
    }
    if (!line_is_empty) {
      out += ' ';
      ++width;
    }
    out += word;
    width += display_width(word);
    line_is_empty = false;
  }
  return out;
}

}  // namespace holdfast::cli
