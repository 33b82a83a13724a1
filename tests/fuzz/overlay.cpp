#include "holdfast/kernel/mountinfo.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto options = kernel::parse_overlay_options(fuzz::text_of(data, size));
  if (!options) return 0;
  for (const auto* layers : {&options->lower, &options->data}) {
    for (const std::string& layer : *layers) fuzz::require(!layer.empty() && layer.size() <= size);
  }
  return 0;
}
