#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"

#include "store.h"

namespace holdfast::baseline {

/// The key of the one image that `text` names: a whole id, a reference as it was given or without its registry or tag,
/// a digest, or a prefix of an id. The first of these kinds that fits at all decides.
[[nodiscard]] Result<std::string> resolve_image(const std::vector<StoredImage>& images, std::string_view text);

}  // namespace holdfast::baseline
