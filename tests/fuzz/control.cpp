#include <boost/json/serialize.hpp>

#include "holdfast/base/text.h"
#include "holdfast/control/protocol.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = fuzz::text_of(data, size);
  const auto request = control::parse_request(line);
  if (request) {
    for (const auto& [key, value] : request->arguments) {
      const std::string_view name(key.data(), key.size());
      static_cast<void>(request->text(name));
      static_cast<void>(request->required_text(name));
      static_cast<void>(request->flag(name));
      static_cast<void>(request->number(name));
    }
    const std::string again = control::request_line(request->command, request->arguments);
    fuzz::require(again.find('\n') + 1 == again.size() || again.find('\n') == std::string::npos);
  }
  static_cast<void>(control::parse_message(line));
  const auto bytes = control::parse_printable(line);
  fuzz::require(!bytes.ok() || printable(*bytes) == line);
  const auto back = control::parse_printable(printable(line));
  fuzz::require(back.ok() && *back == line);
  return 0;
}
