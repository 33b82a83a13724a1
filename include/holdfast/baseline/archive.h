#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "holdfast/base/result.h"
#include "holdfast/baseline/image_listing.h"

namespace holdfast::baseline {

struct ArchiveOptions {
  /// os/architecture[/variant]; empty: this host's, and if the archive has one image only, whatever that is for.
  std::string platform;
  /// Which of several images, by a reference as the archive has it; empty: there must be one only.
  std::string image;
  /// (bytes of layers read, bytes in all); returns false to stop (ECANCELED).
  std::function<bool(std::uint64_t, std::uint64_t)> progress = {};
};

/// Reads an image from an OCI image layout (a directory, or a tar of one) or a docker archive (a tar), either tar as it
/// is or compressed by gzip or zstd, and says what a container of it would have that can execute: the layers are laid
/// upon each other as overlayfs does. Needs no privilege and writes nothing.
///
/// The archive is not trusted: every blob must have the digest by which it is named, and sizes, counts, names and
/// depths are bounded. The error is one sentence that names the archive and what is wrong in it.
[[nodiscard]] Result<ImageListing> read_archive(const std::string& path, const ArchiveOptions& options);

/// What this host would run: "linux/amd64".
[[nodiscard]] std::string host_platform();

}  // namespace holdfast::baseline
