// A command line as /proc/PID/cmdline has it: arguments that end in NUL.

#include <string>
#include <vector>

#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  std::vector<std::string> arguments;
  while (!rest.empty()) arguments.emplace_back(fuzz::take_part(rest, '\0'));
  const auto invocation = container::parse_invocation(arguments);
  if (invocation) fuzz::require(!invocation->id.empty());
  static_cast<void>(container::parse_conmon(arguments));
  return 0;
}
