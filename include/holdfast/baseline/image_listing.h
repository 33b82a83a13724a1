#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/sha256.h"

namespace holdfast::baseline {

/// A file of an image that can execute, or a shared object: what is true of it on any host.
struct ListedFile {
  std::string path;  ///< absolute, in the image; raw bytes
  std::uint64_t size = 0;
  mode_t mode = 0;               ///< permission bits
  std::optional<Sha256> sha256;  ///< nothing: could not be read when the baseline was captured

  [[nodiscard]] bool executable() const { return (mode & 0111U) != 0; }
  friend bool operator==(const ListedFile&, const ListedFile&) = default;
};

/// What an image ships, without anything of the host where that was found out: no inodes, no times, no device. So it
/// can be compared and looked at, and never tells an image's own file from a container's.
struct ImageListing {
  std::string id;                  ///< of the baseline it comes from; else its content()
  std::string kind;                ///< layers | snapshot | archive
  std::vector<std::string> names;  ///< references
  std::vector<std::string> digests;
  std::string platform;           ///< os/architecture[/variant]; empty: not known
  std::vector<ListedFile> files;  ///< by path, each path once
};

/// Hex SHA-256 over the files: equal exactly for equal lists.
[[nodiscard]] std::string content_of(const ImageListing& listing);

/// Whether a baseline records a regular file: any x bit, or named like a shared object (`*.so`, `*.so.*`).
[[nodiscard]] bool is_recorded(mode_t mode, std::string_view path);

/// What differs at one path between two images.
struct ListingDifference {
  std::optional<ListedFile> before, after;  ///< one of them at least
};

/// Executables and shared objects that came, went or changed (content or mode), by path. A file whose content is not
/// known on either side differs.
[[nodiscard]] std::vector<ListingDifference> compare(const ImageListing& before, const ImageListing& after);

}  // namespace holdfast::baseline
