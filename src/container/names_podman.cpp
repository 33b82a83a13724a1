#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <fmt/format.h>

#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

#include "json_read.h"
#include "names.h"
#include "path_view.h"
#include "podman_database.h"

namespace holdfast::container {

std::optional<StoredContainer> parse_stored_containers(std::string_view text, std::string_view layer) {
  const auto value = parse_json(text);
  if (!value || !value->is_array()) return std::nullopt;
  for (const auto& entry : value->get_array()) {
    const auto* object = entry.if_object();
    if (object == nullptr || string_at(*object, "layer") != layer) continue;
    StoredContainer out;
    out.id = string_at(*object, "id");
    out.image_id = string_at(*object, "image");
    const auto* names = object->if_contains("names");
    if (names != nullptr && names->is_array() && !names->get_array().empty()) {
      if (const auto* first = names->get_array().front().if_string()) out.name = std::string(first->c_str());
    }
    const auto metadata = parse_json(string_at(*object, "metadata"));
    if (metadata && metadata->is_object()) out.image = string_at(metadata->get_object(), "image-name");
    return out;
  }
  return std::nullopt;
}

std::string parse_stored_image_digest(std::string_view text, std::string_view image_id) {
  const auto value = parse_json(text);
  if (!value || !value->is_array()) return {};
  for (const auto& entry : value->get_array()) {
    const auto* object = entry.if_object();
    if (object != nullptr && string_at(*object, "id") == image_id) return string_at(*object, "digest");
  }
  return {};
}

namespace {

/// ".../STORAGE/overlay/LAYER/diff", or for roots without layers ".../STORAGE/vfs/dir/LAYER".
struct StoragePlace {
  std::string storage, layer, driver;
};

std::optional<StoragePlace> storage_of(std::string_view path) {
  const auto parent = last_component(strip_components(path, 1));
  const auto storage = std::string(strip_components(path, 3));
  if (last_component(path) == "diff" && last_component(strip_components(path, 2)) == "overlay") {
    return StoragePlace{storage, std::string(parent), "overlay"};
  }
  const auto driver = last_component(strip_components(path, 2));
  if ((driver == "vfs" && parent == "dir") || (driver == "btrfs" && parent == "subvolumes")) {
    return StoragePlace{storage, base_name(path), std::string(driver)};
  }
  return std::nullopt;
}

/// Where containers of a transient store are listed, which does not outlive a boot.
std::string run_root(int storage) {
  struct stat st {};
  if (::fstat(storage, &st) != 0 || st.st_uid == 0) return "/run/containers/storage";
  return fmt::format("/run/user/{}/containers", st.st_uid);
}

/// Those that are to be removed when they end (`--rm`, all of CRI-O's) have a list of their own.
std::optional<StoredContainer> find_stored(int storage, int volatile_storage, const StoragePlace& place) {
  const auto directory = place.driver + "-containers/";
  for (const int where : {storage, volatile_storage}) {
    for (const char* const list : {"containers.json", "volatile-containers.json"}) {
      const auto text = where < 0 ? Error{} : read_state_file(where, directory + list, kStateFileLimit);
      if (!text) continue;
      if (auto found = parse_stored_containers(*text, place.layer)) return found;
    }
  }
  return std::nullopt;
}

void add_labels(int storage, int volatile_storage, Names& names) {
  const auto text = read_podman_config(storage, volatile_storage, names.id);
  const auto config = text ? parse_json(*text) : Result<boost::json::value>(Error{});
  names.labels_unknown = !config || !config->is_object();
  if (names.labels_unknown) return;
  for (auto& [key, value] : strings_at(config->get_object(), "labels", kMaxLabels)) {
    if (names.labels.size() < kMaxLabels) names.labels.insert_or_assign(key, value);
  }
}

/// A FUSE server could make us wait as long as it likes.
bool may_stall(int directory) {
  struct statfs fs {};
  return ::fstatfs(directory, &fs) != 0 || fs.f_type == FUSE_SUPER_MAGIC;
}

}  // namespace

Names names_podman(const RootPlace& place) {
  Names names;
  const auto where = storage_of(place.upper_path);
  if (!where) return names;
  const auto storage = open_in_root(place.layer_root, where->storage, O_PATH | O_DIRECTORY);
  if (!storage || may_stall(storage->get())) return names;
  const auto opened = open_in_root(place.layer_root, run_root(storage->get()), O_PATH | O_DIRECTORY);
  const int volatile_storage = opened && !may_stall(opened->get()) ? opened->get() : -1;
  auto stored = find_stored(storage->get(), volatile_storage, *where);
  if (!stored || stored->id.empty()) return names;
  names.id = stored->id;
  const auto userdata = fmt::format("{}-containers/{}/userdata", where->driver, names.id);
  names.bundle = fmt::format("{}/{}", where->storage, userdata);
  if (const auto text = read_state_file(storage->get(), userdata + "/config.json", kBundleLimit)) {
    if (const auto config = parse_bundle_config(*text)) apply_annotations(config->annotations, names);
  }
  add_labels(storage->get(), volatile_storage, names);
  if (names.name.empty()) names.name = std::move(stored->name);
  if (names.image.empty()) names.image = std::move(stored->image);
  if (const auto text = read_state_file(storage->get(), where->driver + "-images/images.json", kStateFileLimit)) {
    names.digest = parse_stored_image_digest(*text, stored->image_id);
  }
  if (place.caller >= 0) {
    constexpr std::size_t kConmonArguments = 16384;
    const auto conmon = parse_conmon(kernel::read_cmdline(place.caller, kConmonArguments));
    if (conmon && conmon->id == names.id) names.runtime = base_name(conmon->runtime);
  }
  return names;
}

}  // namespace holdfast::container
