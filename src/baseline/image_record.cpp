#include "image_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include <fmt/format.h>

#include "layer_facts.h"

namespace holdfast::baseline {
namespace {

/// Where a descriptor's directory lies, as far as /proc can say; empty if it cannot.
std::string path_of(int fd) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path.data(), path.size());
  if (length <= 0 || path[0] != '/') return {};
  return {path.data(), static_cast<std::size_t>(length)};
}

Error layers_gone(const ImageRecord& record) {
  return {ENOENT, fmt::format("the layers of image {} are gone: no container has it, and its directories are not where "
                              "they were",
                              record.key)};
}

bool open_all(const std::vector<std::string>& paths, std::vector<UniqueFd>& opened) {
  for (const std::string& path : paths) {
    opened.emplace_back(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!opened.back()) return false;
  }
  return true;
}

}  // namespace

ImageRecord record_of(std::string key, const Layers& layers) {
  ImageRecord record;
  record.key = std::move(key);
  record.lower_paths = layers.lower_paths;
  // Paths in a foreign mount namespace mean nothing here.
  if (!layers.mount_namespace) {
    for (const UniqueFd& layer : layers.data) record.data_paths.push_back(path_of(layer.get()));
  }
  record.metacopy = layers.metacopy;
  record.user_xattr = layers.user_xattr;
  record.redirect_dir = layers.redirect_dir;
  return record;
}

Result<ImageRecord> snapshot_record_of(int root) {
  auto key = snapshot_key(root);
  if (!key) return key.error();
  ImageRecord record;
  record.key = std::move(*key);
  record.kind = Kind::snapshot;
  if (std::string path = path_of(root); !path.empty()) record.lower_paths.push_back(std::move(path));
  return record;
}

Result<Layers> reopen_layers(const ImageRecord& record) {
  Layers layers;
  if (record.lower_paths.empty() || !open_all(record.lower_paths, layers.lower) ||
      !open_all(record.data_paths, layers.data)) {
    return layers_gone(record);
  }
  layers.lower_paths = record.lower_paths;
  layers.metacopy = record.metacopy;
  layers.user_xattr = record.user_xattr;
  layers.redirect_dir = record.redirect_dir;
  auto key = image_key(layers);
  if (!key || *key != record.key) return layers_gone(record);
  return layers;
}

Result<UniqueFd> reopen_root(const ImageRecord& record) {
  std::vector<UniqueFd> opened;
  if (record.lower_paths.size() != 1 || !open_all(record.lower_paths, opened)) return layers_gone(record);
  auto key = snapshot_key(opened.front().get());
  if (!key || *key != record.key) return layers_gone(record);
  return std::move(opened.front());
}

}  // namespace holdfast::baseline
