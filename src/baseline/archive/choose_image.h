#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/baseline/archive.h"

#include "documents.h"
#include "image_source.h"

namespace holdfast::baseline {

/// One layer of an image that was chosen.
struct LayerBlob {
  std::string member;            ///< of the archive, by its own name
  std::optional<Sha256> digest;  ///< of the member's bytes; a docker archive does not say
  std::optional<std::uint64_t> size;
  Sha256 diff_id{};  ///< of the tar in it
};

struct ChosenImage {
  std::vector<std::string> names;
  std::string digest;  ///< of its manifest; in a docker archive, of its configuration
  Platform platform;
  std::vector<LayerBlob> layers;  ///< lowest first
};

/// The one image of an archive that the options mean. Everything it is told by has been verified by its digest.
[[nodiscard]] Result<ChosenImage> choose_image(ImageSource& source, const ArchiveOptions& options);

}  // namespace holdfast::baseline
