#include "names.h"

namespace holdfast::container {

std::string_view last_component(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string base_name(std::string_view path) { return std::string(last_component(path)); }

std::string_view strip_components(std::string_view path, int levels) {
  for (; levels > 0 && !path.empty(); --levels) {
    const auto slash = path.rfind('/');
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  }
  return path;
}

Names find_names(const RootPlace& place) {
  for (const auto find : {names_podman, names_docker, names_containerd}) {
    auto names = find(place);
    if (!names.id.empty()) return names;
  }
  return {};
}

}  // namespace holdfast::container
