#pragma once

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/layers.h"

#include "image_view.h"

namespace holdfast::baseline {

/// A detached lowers-only overlay of at least two layers (data layers count), or a read-only clone of a single one.
/// Runs in a thread of its own, in the layers' mount namespace.
[[nodiscard]] Result<UniqueFd> mount_layers(const Layers& layers, ViewMethod method);

}  // namespace holdfast::baseline
