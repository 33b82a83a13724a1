#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <memory>

#include <fmt/format.h>

#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

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

Names read_bundle(int bundle_directory, std::string_view bundle) {
  Names names;
  const auto text = read_state_file(bundle_directory, "config.json", kBundleLimit);
  const auto config = text ? parse_bundle_config(*text) : Result<BundleConfig>(text.error());
  if (!config) return names;
  names.id = last_component(bundle);
  names.bundle = bundle;
  apply_annotations(config->annotations, names);
  if (names.name.empty()) names.name = names.id;
  if (names.name_space.empty()) names.name_space = last_component(strip_components(bundle, 1));
  return names;
}

}  // namespace

Names names_containerd(const RootPlace& place) {
  const std::string_view mount_point = place.mount_point;
  if (last_component(mount_point) != "rootfs" || last_component(strip_components(mount_point, 3)) != kTask) return {};
  const auto bundle = strip_components(mount_point, 1);
  const auto directory = open_in_root(place.mount_root, std::string(bundle), O_PATH | O_DIRECTORY);
  return directory ? read_bundle(directory->get(), bundle) : Names{};
}

Names names_containerd_by_id(int own_root, const std::string& id) {
  if (id.empty() || id.find('/') != std::string::npos || id == "." || id == "..") return {};
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
      if (bundle) return read_bundle(bundle->get(), fmt::format("{}/{}", tasks, relative));
    }
  }
  return {};
}

}  // namespace holdfast::container
