#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/container/container.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::container {

// Pure parsers of the runtimes' own state files (runtimes.md, "Where things are"). All input may be hostile: rootless
// engines keep theirs below a user's home.

/// Bytes read of any one state file.
inline constexpr std::size_t kStateFileLimit = std::size_t{16} << 20;

/// containers/storage, overlay-containers/containers.json: the entry of a layer. `image_id` is for the next one.
struct StoredContainer {
  std::string id, name, image, image_id;
};
[[nodiscard]] std::optional<StoredContainer> parse_stored_containers(std::string_view text, std::string_view layer);
/// containers/storage, overlay-images/images.json: the digest of an image.
[[nodiscard]] std::string parse_stored_image_digest(std::string_view text, std::string_view image_id);

/// Docker's containers/ID/config.v2.json: id, name, image, labels; `digest` is the image's id.
[[nodiscard]] std::optional<Names> parse_docker_container(std::string_view text);
/// Docker's image/overlay2/repositories.json: the repository digest of an image id, empty if it never had one.
[[nodiscard]] std::string parse_docker_digest(std::string_view text, std::string_view image_id);

/// Names from the annotations of containerd's CRI plug-in or of CRI-O; other annotations become labels.
void apply_annotations(const std::map<std::string, std::string>& annotations, Names& names);

/// The container id that a process's cgroups tell (outermost first: below it the container makes its own), empty if
/// none does.
[[nodiscard]] std::string container_id_of(const std::vector<kernel::CgroupLine>& cgroups);

/// conmon's "-c ID -n NAME -r RUNTIME".
struct Conmon {
  std::string id, name, runtime, bundle;
};
[[nodiscard]] std::optional<Conmon> parse_conmon(const std::vector<std::string>& arguments);

}  // namespace holdfast::container
