#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <memory>

#include <fmt/format.h>

#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"
#include "holdfast/kernel/proc.h"

#include "bolt.h"
#include "names.h"
#include "path_view.h"

namespace holdfast::container {
namespace {

constexpr std::string_view kTask = "io.containerd.runtime.v2.task";
constexpr std::size_t kNamespacesLookedAt = 256;

/// Where containerd and its distributions keep their state.
constexpr std::array<const char*, 5> kStateDirectories = {"/run/containerd", "/run/docker/containerd/daemon",
                                                          "/run/k3s/containerd", "/run/k0s/containerd",
                                                          "/var/snap/microk8s/common/run/containerd"};

/// containerd's own database, in which it keeps each container's image and labels: where the snapshot of the root lies.
class MetaDatabase {
 public:
  MetaDatabase(int root, std::string_view upper_path) {
    constexpr std::string_view kSnapshots = "io.containerd.snapshotter.v1.overlayfs";
    if (last_component(strip_components(upper_path, 3)) != kSnapshots) return;
    auto directory = open_in_root(root, std::string(strip_components(upper_path, 4)), O_PATH | O_DIRECTORY);
    if (directory) directory_ = std::move(*directory);
  }
  [[nodiscard]] std::optional<Bolt::Found> container(const std::string& name_space, const std::string& id) const {
    if (!directory_) return std::nullopt;
    return find_in_bolt(directory_.get(), "io.containerd.metadata.v1.bolt/meta.db",
                        {"v1", name_space, "containers", id}, "image", "labels", kMaxLabels);
  }

 private:
  UniqueFd directory_;
};

/// What is there already came from nearer to the container.
void add_labels(const std::optional<Bolt::Found>& found, Names& names) {
  if (!found) return;
  for (const auto& [key, value] : found->values) {
    if (names.labels.size() < kMaxLabels) names.labels.emplace(key, value);
  }
}

/// A pod's labels are its sandbox's; those of its containers are the kubelet's own.
void add_from_database(const MetaDatabase& database, const std::map<std::string, std::string>& annotations,
                       const std::string& name_space, Names& names) {
  const auto own = database.container(name_space, names.id);
  names.labels_unknown = !own;
  add_labels(own, names);
  if (own && own->value && names.image.empty()) names.image = *own->value;
  const auto sandbox = annotations.find("io.kubernetes.cri.sandbox-id");
  if (sandbox == annotations.end() || sandbox->second == names.id) return;
  const auto pod = database.container(name_space, sandbox->second);
  names.labels_unknown = names.labels_unknown || !pod;
  add_labels(pod, names);
}

Names read_bundle(int bundle_directory, std::string_view bundle, const MetaDatabase& database) {
  Names names;
  const auto text = read_state_file(bundle_directory, "config.json", kBundleLimit);
  const auto config = text ? parse_bundle_config(*text) : Result<BundleConfig>(text.error());
  if (!config) return names;
  names.id = last_component(bundle);
  names.bundle = bundle;
  apply_annotations(config->annotations, names);
  const std::string name_space(last_component(strip_components(bundle, 1)));
  add_from_database(database, config->annotations, name_space, names);
  if (names.name.empty()) names.name = names.id;
  if (names.name_space.empty()) names.name_space = name_space;
  return names;
}

bool is_plain_name(const std::string& id) {
  return !id.empty() && id.find('/') == std::string::npos && id != "." && id != "..";
}

}  // namespace

Names names_containerd(const RootPlace& place) {
  const std::string_view mount_point = place.mount_point;
  if (last_component(mount_point) != "rootfs" || last_component(strip_components(mount_point, 3)) != kTask) return {};
  const auto bundle = strip_components(mount_point, 1);
  const auto directory = open_in_root(place.mount_root, std::string(bundle), O_PATH | O_DIRECTORY);
  return directory ? read_bundle(directory->get(), bundle, MetaDatabase(place.layer_root, place.upper_path)) : Names{};
}

/// A pod has one shim: it stands in the directory of the pod's sandbox, beside those of the containers.
Names names_containerd_by_shim(int shim, int own_root, const std::string& id, const std::string& upper_path) {
  if (!is_plain_name(id)) return {};
  const auto stands_in = kernel::read_link_at(shim, "cwd");
  if (!stands_in || last_component(strip_components(*stands_in, 2)) != kTask) return {};
  const UniqueFd root(::openat(shim, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return {};
  const auto bundle = fmt::format("{}/{}", strip_components(*stands_in, 1), id);
  const auto directory = open_in_root(root.get(), bundle, O_PATH | O_DIRECTORY);
  return directory ? read_bundle(directory->get(), bundle, MetaDatabase(own_root, upper_path)) : Names{};
}

Names names_containerd_by_id(int own_root, const std::string& id, const std::string& upper_path) {
  if (!is_plain_name(id)) return {};
  for (const auto* state : kStateDirectories) {
    const auto tasks = fmt::format("{}/{}", state, kTask);
    auto directory = open_in_root(own_root, tasks, O_RDONLY | O_DIRECTORY);
    if (!directory) continue;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(directory->get()), ::closedir);
    if (!dir) continue;
    const int fd = directory->release();  // the directory stream's from here on
    for (std::size_t seen = 0; seen < kNamespacesLookedAt; ++seen) {
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) break;
      if (entry->d_name[0] == '.') continue;
      const auto relative = fmt::format("{}/{}", entry->d_name, id);
      const auto bundle = open_beneath(fd, relative, O_PATH | O_DIRECTORY);
      if (bundle)
        return read_bundle(bundle->get(), fmt::format("{}/{}", tasks, relative), MetaDatabase(own_root, upper_path));
    }
  }
  return {};
}

}  // namespace holdfast::container
