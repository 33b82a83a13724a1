#include "overlay_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "holdfast/kernel/mount_api.h"

namespace holdfast::baseline {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

/// A view only reads: where the container writes redirects (`on`), following them is enough.
Options layer_options(const Layers& layers) {
  Options options;
  if (layers.user_xattr) options.emplace_back("userxattr", "");
  if (layers.redirect_dir == "on" || layers.redirect_dir == "follow") {
    options.emplace_back("redirect_dir", "follow");
  } else if (layers.redirect_dir == "off" || layers.redirect_dir == "nofollow") {
    options.emplace_back("redirect_dir", layers.redirect_dir);
  }
  if (layers.metacopy) options.emplace_back("metacopy", "on");
  return options;
}

/// Every open descriptor by a short relative name, whatever is mounted at the namespace's own /proc.
Result<void> enter_descriptor_directory(int descriptors) {
  if (::fchdir(descriptors) == 0) return {};
  return errno_error("cannot enter /proc/self/fd");
}

Result<void> add_layers(const kernel::FsContext& context, const std::vector<UniqueFd>& layers, const std::string& key,
                        ViewMethod method) {
  for (const UniqueFd& layer : layers) {
    auto added = method == ViewMethod::descriptors ? context.set_descriptor(key, layer.get())
                                                   : context.set_string(key, std::to_string(layer.get()));
    if (!added) return added;
  }
  return {};
}

constexpr unsigned kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

Result<UniqueFd> mount_detached(const Layers& layers, ViewMethod method) {
  auto context = kernel::FsContext::open("overlay");
  if (!context) return context.error();
  if (auto set = context->set_string("source", "holdfast-view"); !set) return set.error();
  for (const auto& [key, value] : layer_options(layers)) {
    auto set = value.empty() ? context->set_flag(key) : context->set_string(key, value);
    if (!set) return set.error();
  }
  if (auto added = add_layers(*context, layers.lower, "lowerdir+", method); !added) return added.error();
  if (auto added = add_layers(*context, layers.data, "datadir+", method); !added) return added.error();
  return context->mount(kAttributes);
}

/// The same directory by way of the mounts of a namespace that has been copied meanwhile.
Result<UniqueFd> reopen(const UniqueFd& layer) {
  std::array<char, PATH_MAX> path{};
  const std::string link = std::to_string(layer.get());
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size() - 1);
  if (length <= 0) return errno_error("cannot name a layer");
  UniqueFd again(::open(path.data(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat before {};
  struct stat after {};
  if (!again || ::fstat(layer.get(), &before) != 0 || ::fstat(again.get(), &after) != 0) {
    return errno_error(fmt::format("cannot open layer {} again", path.data()));
  }
  if (before.st_dev == after.st_dev && before.st_ino == after.st_ino) return again;
  return errno_error(ESTALE, fmt::format("another directory lies over layer {}", path.data()));
}

Result<std::string> reopen_all(const std::vector<UniqueFd>& layers, std::vector<UniqueFd>& opened) {
  std::string names;
  for (const UniqueFd& layer : layers) {
    auto again = reopen(layer);
    if (!again) return again.error();
    if (!names.empty()) names += ':';
    names += std::to_string(again->get());
    opened.push_back(std::move(*again));
  }
  return names;
}

/// mount(2) needs a place: a private namespace's, over the first layer itself, so that nobody sees it. The kernel
/// clones lower mounts of the caller's own namespace only, so that the layers must be opened again there.
Result<UniqueFd> mount_classic(const Layers& layers) {
  if (auto entered = kernel::enter_private_mount_namespace(); !entered) return entered.error();
  std::vector<UniqueFd> opened;
  auto lower = reopen_all(layers.lower, opened);
  if (!lower) return lower.error();
  auto data = reopen_all(layers.data, opened);
  if (!data) return data.error();
  std::string text = "lowerdir=" + *lower;
  if (!data->empty()) text += "::" + *data;
  for (const auto& [key, value] : layer_options(layers)) {
    text.append(",").append(key);
    if (!value.empty()) text.append("=").append(value);
  }
  const std::string place = std::to_string(opened.front().get());
  if (::mount("holdfast-view", place.c_str(), "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, text.c_str()) !=
      0) {
    return errno_error("cannot mount an image view");
  }
  std::array<char, PATH_MAX> path{};
  if (::readlink(place.c_str(), path.data(), path.size() - 1) <= 0) return errno_error("cannot name an image view");
  UniqueFd root(::open(path.data(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return errno_error("cannot open an image view");
  if (::umount2(path.data(), MNT_DETACH) != 0) return errno_error("cannot detach an image view");
  return root;
}

/// A layer of a foreign namespace cannot be cloned; then the directory does: nothing is ever written through it.
Result<UniqueFd> single_layer(int layer) {
  auto clone = kernel::clone_tree_read_only(layer);
  if (clone) return clone;
  UniqueFd same(::fcntl(layer, F_DUPFD_CLOEXEC, 0));
  if (!same) return errno_error("cannot keep a layer open");
  return same;
}

Result<UniqueFd> mount_here(const Layers& layers, ViewMethod method) {
  if (layers.lower.size() == 1 && layers.data.empty()) return single_layer(layers.lower.front().get());
  return method == ViewMethod::classic ? mount_classic(layers) : mount_detached(layers, method);
}

}  // namespace

Result<UniqueFd> mount_layers(const Layers& layers, ViewMethod method) {
  const UniqueFd descriptors(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!descriptors) return errno_error("cannot open /proc/self/fd");
  UniqueFd root;
  auto done = kernel::run_in_mount_namespace(layers.mount_namespace.get(), [&]() -> Result<void> {
    if (auto entered = enter_descriptor_directory(descriptors.get()); !entered) return entered;
    auto mounted = mount_here(layers, method);
    if (!mounted) return mounted.error();
    root = std::move(*mounted);
    return {};
  });
  if (!done) return done.error();
  return root;
}

}  // namespace holdfast::baseline
