#pragma once

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/baseline/layers.h"

#include "store.h"

namespace holdfast::baseline {

[[nodiscard]] ImageRecord record_of(std::string key, const Layers& layers);
[[nodiscard]] Result<ImageRecord> snapshot_record_of(int root);

/// Opens the stored paths of an image again; an error if what lies there is not that image any more.
[[nodiscard]] Result<Layers> reopen_layers(const ImageRecord& record);
/// The same for a snapshot's root.
[[nodiscard]] Result<UniqueFd> reopen_root(const ImageRecord& record);

}  // namespace holdfast::baseline
