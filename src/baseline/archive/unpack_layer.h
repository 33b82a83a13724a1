#pragma once

#include <cstdint>

#include "holdfast/base/result.h"

#include "byte_stream.h"
#include "layer_tree.h"

namespace holdfast::baseline {

/// Adds the entries of a tar to a tree, and reads every file's content for its hash. The stream may hold more after the
/// tar's end. `budget`: bytes of files that may still come; what is read is taken off.
[[nodiscard]] Result<void> unpack_layer(ByteStream& tar, LayerTree& tree, std::uint64_t& budget);

}  // namespace holdfast::baseline
