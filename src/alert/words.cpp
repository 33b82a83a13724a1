#include "words.h"

#include "holdfast/base/text.h"

namespace holdfast::alert {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::drift:
      return "drift";
    case Kind::exposure:
      return "exposure";
    case Kind::override_:
      return "override";
    case Kind::service:
      return "service";
  }
  return "unknown";
}

std::string_view to_string(Hand hand) {
  switch (hand) {
    case Hand::wrote:
      return "wrote";
    case Hand::linked:
      return "linked";
    case Hand::renamed:
      return "renamed";
    case Hand::made_executable:
      return "made executable";
  }
  return "unknown";
}

std::string bounded(std::string_view raw, std::size_t limit) {
  // printable() never shortens, so one byte more than fits is enough to see that it does not fit.
  return shorten(printable(raw.substr(0, limit + 1)), limit);
}

std::string bounded_word(std::string_view raw, std::size_t limit) {
  std::string text = bounded(raw, limit);
  if (!text.empty() && text.find_first_of(" \"'") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '\\';  // printable() doubled the backslashes of `raw`: this one is not among them
    quoted += c;
  }
  return quoted += '"';
}

std::string command_line(const std::vector<std::string>& arguments, std::size_t limit) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (line.size() > limit) break;
    if (!line.empty()) line += ' ';
    line += bounded_word(argument, limit);
  }
  return shorten(line, limit);
}

}  // namespace holdfast::alert
