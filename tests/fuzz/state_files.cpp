// The first byte says whose state file the rest is; a line before the file is the id that is looked for in it.

#include "holdfast/container/state_files.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view file = fuzz::text_of(data, size).substr(1);
  const std::string_view id = fuzz::take_part(file, '\n');
  switch (data[0] % 4) {
    case 0:
      static_cast<void>(container::parse_stored_containers(file, id));
      break;
    case 1:
      static_cast<void>(container::parse_stored_image_digest(file, id));
      break;
    case 2:
      static_cast<void>(container::parse_docker_container(file));
      break;
    default:
      static_cast<void>(container::parse_docker_digest(file, id));
  }
  return 0;
}
