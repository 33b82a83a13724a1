#include "layers_of.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/container/registry.h"

#include "path_view.h"

namespace holdfast::container {
namespace {

Result<UniqueFd> open_directory(int root, const std::string& path) {
  return open_in_root(root, path, O_PATH | O_DIRECTORY);
}

bool same_directory(int a, int b) {
  struct stat left {};
  struct stat right {};
  return ::fstat(a, &left) == 0 && ::fstat(b, &right) == 0 && left.st_dev == right.st_dev &&
         left.st_ino == right.st_ino;
}

/// One view of a path: the kernel clones lower mounts only from the namespace of who asks (clone_private_mount), so
/// ours is taken wherever it shows the very directory that the mounter's shows.
struct Opened {
  UniqueFd directory;
  bool ours = true;
};

Result<Opened> open_either(const LayerSources& from, const std::string& path) {
  auto ours = open_directory(from.own_root, path);
  if (from.process_root < 0) {
    if (!ours) return ours.error();
    return Opened{std::move(*ours), true};
  }
  auto theirs = open_directory(from.process_root, path);
  if (ours && (!theirs || same_directory(ours->get(), theirs->get()))) return Opened{std::move(*ours), true};
  if (!theirs) return theirs.error();
  return Opened{std::move(*theirs), false};
}

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string below(const std::string& base, const std::string& path) {
  return path.starts_with('/') ? path : (base == "/" ? base : base + '/') + path;
}

bool any_relative(const kernel::OverlayOptions& options) {
  const auto relative = [](const std::string& path) { return !path.starts_with('/'); };
  for (const auto& path : options.lower) {
    if (relative(path)) return true;
  }
  for (const auto& path : options.data) {
    if (relative(path)) return true;
  }
  return !options.upper.empty() && relative(options.upper);
}

bool all_exist(const kernel::OverlayOptions& options, const std::string& base, const LayerSources& sources) {
  for (const auto& path : options.lower) {
    if (!open_either(sources, below(base, path))) return false;
  }
  for (const auto& path : options.data) {
    if (!open_either(sources, below(base, path))) return false;
  }
  return open_either(sources, below(base, options.upper)).ok();
}

/// The directory that relative names start from; "/" if there are none.
Result<std::string> base_of(const kernel::OverlayOptions& options, const std::string& mount_point,
                            const LayerSources& sources) {
  if (!any_relative(options)) return std::string("/");
  for (const std::string& start : {options.upper, mount_point}) {
    if (!start.starts_with('/')) continue;
    for (auto base = parent_of(start);; base = parent_of(base)) {
      if (all_exist(options, base, sources)) return base;
      if (base == "/") break;
    }
  }
  return Error{ENOENT,
               fmt::format("the directory that the relative layers of the overlay at {} belong to was not found",
                           printable(mount_point))};
}

/// Whether `lower` is Docker's layer for /etc/hosts and the like, made for this container alone.
bool is_docker_init(const std::string& lower, const std::string& upper) {
  constexpr std::string_view kDiff = "/diff";
  if (!upper.ends_with(kDiff)) return false;
  const auto layer = upper.substr(0, upper.size() - kDiff.size());
  return parent_of(layer).ends_with("/overlay2") && lower == layer + "-init/diff";
}

Result<void> open_all(const std::vector<std::string>& names, const std::string& base, const LayerSources& sources,
                      std::vector<UniqueFd>& out, bool& all_ours) {
  for (const auto& name : names) {
    auto opened = open_either(sources, below(base, name));
    if (!opened) return opened.error();
    all_ours = all_ours && opened->ours;
    out.push_back(std::move(opened->directory));
  }
  return {};
}

/// With mixed views all layers must come from one namespace: the mounter's, which sees them all.
Result<void> open_layers(const kernel::OverlayOptions& options, const std::string& base, const LayerSources& sources,
                         FoundLayers& found) {
  bool all_ours = true;
  if (auto done = open_all(options.lower, base, sources, found.layers.lower, all_ours); !done) return done;
  if (auto done = open_all(options.data, base, sources, found.layers.data, all_ours); !done) return done;
  if (all_ours) return {};
  found.in_our_namespace = false;
  found.layers.lower.clear();
  found.layers.data.clear();
  for (auto [names, out] : {std::pair{&options.lower, &found.layers.lower}, {&options.data, &found.layers.data}}) {
    for (const auto& name : *names) {
      auto opened = open_directory(sources.process_root, below(base, name));
      if (!opened) return opened.error();
      out->push_back(std::move(*opened));
    }
  }
  found.layers.mount_namespace.reset(::openat(sources.proc_dir, "ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!found.layers.mount_namespace) return errno_error("open the mounter's mount namespace");
  return {};
}

void name_layers(FoundLayers& found) {
  auto& layers = found.layers;
  for (std::size_t i = 0; i < layers.lower.size();) {
    auto path = host_path(layers.lower[i].get());
    if (layers.lower.size() > 1 && is_docker_init(path, found.upper_path)) {
      layers.lower.erase(layers.lower.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    if (found.in_our_namespace) layers.lower_paths.push_back(std::move(path));
    ++i;
  }
}

Result<void> open_upper(const kernel::OverlayOptions& options, const std::string& base, const LayerSources& sources,
                        FoundLayers& found) {
  const auto path = below(base, options.upper);
  auto upper = open_either(sources, path);
  if (!upper) return upper.error();
  found.in_our_namespace = upper->ours;
  found.upper_path = upper->ours ? host_path(upper->directory.get()) : path;
  const auto key = root_key_of(upper->directory.get());
  if (!key) return key.error();
  found.key = *key;
  found.upper = std::move(upper->directory);
  return {};
}

}  // namespace

Result<FoundLayers> find_upper(const kernel::OverlayOptions& options, const std::string& mount_point,
                               const LayerSources& sources) {
  const auto base = base_of(options, mount_point, sources);
  if (!base) return base.error();
  FoundLayers found;
  if (auto done = open_upper(options, *base, sources, found); !done) return done.error();
  return found;
}

Result<FoundLayers> find_layers(const kernel::OverlayOptions& options, const std::string& mount_point,
                                const LayerSources& sources) {
  const auto base = base_of(options, mount_point, sources);
  if (!base) return base.error();
  FoundLayers found;
  if (auto done = open_upper(options, *base, sources, found); !done) return done.error();
  found.layers.metacopy = options.metacopy;
  found.layers.user_xattr = options.user_xattr;
  found.layers.redirect_dir = options.redirect_dir;
  if (auto done = open_layers(options, *base, sources, found); !done) return done.error();
  name_layers(found);
  return found;
}

}  // namespace holdfast::container
