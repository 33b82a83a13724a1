#include "holdfast/container/oci.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = container::parse_bundle_config(fuzz::text_of(data, size));
  if (config) fuzz::require(config->annotations.size() <= container::kMaxLabels);
  return 0;
}
