// A line with a container's id; then Podman's SQLite database.

#include "../../src/container/podman_database.h"
#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view database = fuzz::text_of(data, size);
  const std::string id(fuzz::take_part(database, '\n'));
  const auto config = container::podman_config_of(database, id);
  if (!config) fuzz::require(!config.error().message.empty());
  return 0;
}
