#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/baseline/image_listing.h"

namespace holdfast::baseline {

// A baseline file holds what images ship, to be kept, carried to another host and compared: holdfast(1) has its format.
// The same images always give the same bytes. Nobody's word is taken: reading one checks everything that it says.

[[nodiscard]] std::string baseline_text(const std::vector<ImageListing>& images);
/// Pure. An error names the line and what is wrong there; a newer format is refused as such.
[[nodiscard]] Result<std::vector<ImageListing>> parse_baseline_text(std::string_view text);

/// Whether a file that begins so means to be a baseline file.
[[nodiscard]] bool begins_baseline_file(std::string_view start);

/// All or nothing: a file of that name is replaced once the new one is written and on the disk.
[[nodiscard]] Result<void> write_baseline_file(const std::string& path, const std::vector<ImageListing>& images);
[[nodiscard]] Result<std::vector<ImageListing>> read_baseline_file(const std::string& path);

}  // namespace holdfast::baseline
