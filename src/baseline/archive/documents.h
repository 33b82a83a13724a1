#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"

namespace holdfast::baseline {

// The JSON documents of an OCI image layout (image-spec 1.1) and of a docker archive. Parsing is pure, and bounded in
// size, depth and counts; whatever a document must have and has not, or has in another shape, is an error.

struct Platform {
  std::string os, architecture, variant;  ///< all empty: not said
  [[nodiscard]] bool known() const { return !os.empty() && !architecture.empty(); }
};
/// os/architecture[/variant]; an error if it is none.
[[nodiscard]] Result<Platform> parse_platform(std::string_view text);
[[nodiscard]] std::string to_string(const Platform& platform);
/// Whether `has` is what was asked for; a variant that nobody asked for does not matter.
[[nodiscard]] bool fits(const Platform& has, const Platform& wanted);

struct Descriptor {
  std::string media_type;
  Sha256 digest{};
  std::uint64_t size = 0;
  Platform platform;
  std::string name;  ///< the reference that an annotation gives it

  [[nodiscard]] std::string blob() const { return "blobs/sha256/" + to_hex(digest); }
  [[nodiscard]] bool is_index() const;
  [[nodiscard]] bool is_manifest() const;
};

/// index.json, or an index below it.
[[nodiscard]] Result<std::vector<Descriptor>> parse_index(std::string_view text);

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  ///< lowest first; each a tar, compressed or not
};
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text);

struct ImageConfig {
  Platform platform;
  std::vector<Sha256> diff_ids;  ///< of the layers' tars, not compressed; lowest first
};
[[nodiscard]] Result<ImageConfig> parse_config(std::string_view text);

/// One image of a docker archive's manifest.json. Names are members of the archive.
struct DockerImage {
  std::string config;
  std::vector<std::string> tags;
  std::vector<std::string> layers;  ///< lowest first
};
[[nodiscard]] Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view text);

}  // namespace holdfast::baseline
