#include <dirent.h>
#include <fcntl.h>

#include <memory>

#include <fmt/format.h>

#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

#include "json_read.h"
#include "names.h"
#include "path_view.h"

namespace holdfast::container {

std::optional<Names> parse_docker_container(std::string_view text) {
  const auto value = parse_json(text);
  if (!value || !value->is_object()) return std::nullopt;
  const auto& top = value->get_object();
  Names names;
  names.id = string_at(top, "ID");
  if (names.id.empty()) return std::nullopt;
  names.name = string_at(top, "Name");
  if (names.name.starts_with('/')) names.name.erase(0, 1);
  names.digest = string_at(top, "Image");
  if (const auto* config = object_at(top, "Config")) {
    names.image = string_at(*config, "Image");
    names.labels = strings_at(*config, "Labels", kMaxLabels);
  }
  return names;
}

std::string parse_docker_digest(std::string_view text, std::string_view image_id) {
  const auto value = parse_json(text);
  if (!value || !value->is_object() || image_id.empty()) return {};
  const auto* repositories = object_at(value->get_object(), "Repositories");
  if (repositories == nullptr) return {};
  for (const auto& repository : *repositories) {
    const auto* references = repository.value().if_object();
    if (references == nullptr) continue;
    for (const auto& reference : *references) {
      const std::string_view name(reference.key().data(), reference.key().size());
      const auto at = name.rfind('@');
      const auto* id = reference.value().if_string();
      if (at != std::string_view::npos && id != nullptr && std::string_view(id->data(), id->size()) == image_id) {
        return std::string(name.substr(at + 1));
      }
    }
  }
  return {};
}

namespace {

constexpr std::size_t kContainersLookedAt = 20'000;

/// Docker's root directory, and what in it names the container: its layer, or the container itself (image store of
/// containerd, mounted at ROOT/rootfs/overlayfs/ID).
struct DockerPlace {
  std::string root, driver, layer, id;
  int view = -1;
};

std::optional<DockerPlace> docker_of(const RootPlace& place) {
  const std::string_view path = place.upper_path;
  const auto parent = last_component(strip_components(path, 1));
  const auto driver = std::string(last_component(strip_components(path, 2)));
  const auto root = std::string(strip_components(path, 3));
  if (last_component(path) == "diff" && driver == "overlay2") {
    return DockerPlace{root, driver, std::string(parent), {}, place.layer_root};
  }
  if ((driver == "vfs" && parent == "dir") || (driver == "btrfs" && parent == "subvolumes")) {
    return DockerPlace{root, driver, base_name(path), {}, place.layer_root};
  }
  if (strip_components(place.mount_point, 1).ends_with("/rootfs/overlayfs")) {
    return DockerPlace{std::string(strip_components(place.mount_point, 3)),
                       "overlayfs",
                       {},
                       base_name(place.mount_point),
                       place.mount_root};
  }
  return std::nullopt;
}

bool has_layer(int mounts, const std::string& id, const std::string& layer) {
  const auto text = read_state_file(mounts, id + "/mount-id", 4096);
  return text && *text == layer;
}

/// The shim that executes runc says `-id ID`: worth a try before all containers are looked through.
std::string id_from_shim(int caller) {
  if (caller < 0) return {};
  const auto arguments = kernel::read_cmdline(caller);
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == "-id" && arguments[i + 1].find('/') == std::string::npos) return arguments[i + 1];
  }
  return {};
}

std::string id_of_layer(int root, const DockerPlace& place, int caller) {
  const auto& layer = place.layer;
  auto mounts = open_beneath(root, fmt::format("image/{}/layerdb/mounts", place.driver), O_RDONLY | O_DIRECTORY);
  if (!mounts) return {};
  if (auto hint = id_from_shim(caller); !hint.empty() && has_layer(mounts->get(), hint, layer)) return hint;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(mounts->get()), ::closedir);
  if (!dir) return {};
  const int fd = mounts->release();  // the directory stream's from here on
  for (std::size_t seen = 0; seen < kContainersLookedAt; ++seen) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.' && has_layer(fd, entry->d_name, layer)) return entry->d_name;
  }
  return {};
}

std::string runtime_of(int root, const std::string& directory) {
  const auto text = read_state_file(root, directory + "/hostconfig.json", kStateFileLimit);
  const auto value = text ? parse_json(*text) : Result<boost::json::value>(text.error());
  return value && value->is_object() ? string_at(value->get_object(), "Runtime") : std::string{};
}

}  // namespace

Names names_docker(const RootPlace& place) {
  const auto where = docker_of(place);
  if (!where) return {};
  const auto root = open_in_root(where->view, where->root, O_PATH | O_DIRECTORY);
  if (!root) return {};
  const auto id = where->id.empty() ? id_of_layer(root->get(), *where, place.caller) : where->id;
  if (id.empty()) return {};
  const auto directory = "containers/" + id;
  const auto text = read_state_file(root->get(), directory + "/config.v2.json", kStateFileLimit);
  auto names = text ? parse_docker_container(*text) : std::nullopt;
  if (!names) return {};
  if (const auto repositories =
          read_state_file(root->get(), fmt::format("image/{}/repositories.json", where->driver), kStateFileLimit)) {
    if (auto digest = parse_docker_digest(*repositories, names->digest); !digest.empty()) names->digest = digest;
  }
  names->runtime = runtime_of(root->get(), directory);
  return *names;
}

}  // namespace holdfast::container
