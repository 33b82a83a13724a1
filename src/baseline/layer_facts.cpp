#include "layer_facts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <bit>
#include <optional>

#include <fmt/format.h>

#include "hasher.h"

namespace holdfast::baseline {
namespace {

Result<struct statfs> stat_file_system(int directory) {
  struct statfs fs {};
  if (::fstatfs(directory, &fs) != 0) return errno_error("cannot stat the file system of a layer");
  return fs;
}

std::uint64_t id_of(const struct statfs& fs) { return std::bit_cast<std::uint64_t>(fs.f_fsid); }

std::string time_text(const statx_timestamp& t) { return fmt::format("{}.{:09}", t.tv_sec, t.tv_nsec); }

/// One directory's part of a key. A directory made anew in the old one's place has another birth time.
Result<std::string> directory_text(int directory, bool ctime_will_do) {
  auto fs = stat_file_system(directory);
  if (!fs) return fs.error();
  struct statx st {};
  if (::statx(directory, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME | STATX_CTIME, &st) != 0) {
    return errno_error("cannot stat a layer");
  }
  std::string when = "none";
  if ((st.stx_mask & STATX_BTIME) != 0) {
    when = "b" + time_text(st.stx_btime);
  } else if (ctime_will_do) {
    when = "c" + time_text(st.stx_ctime);
  }
  return fmt::format("{:016x} {} {}\n", id_of(*fs), static_cast<std::uint64_t>(st.stx_ino), when);
}

}  // namespace

Result<std::string> image_key(const Layers& layers) {
  if (layers.lower.empty()) return Error{0, "an image without layers has no baseline"};
  std::string text = "holdfast image 1\n";
  for (const auto* group : {&layers.lower, &layers.data}) {
    for (const UniqueFd& layer : *group) {
      auto part = directory_text(layer.get(), true);
      if (!part) return part;
      text += *part;
    }
    text += "--\n";
  }
  return to_hex(hash_bytes(text));
}

Result<std::string> snapshot_key(int root) {
  // Not the ctime: it changes with every file that the container makes in its root.
  auto part = directory_text(root, false);
  if (!part) return part;
  return to_hex(hash_bytes("holdfast snapshot 1\n" + *part));
}

Result<LayerFacts> directory_facts(int directory) {
  auto fs = stat_file_system(directory);
  if (!fs) return fs.error();
  return LayerFacts{id_of(*fs), fs->f_type != FUSE_SUPER_MAGIC};
}

Result<LayerFacts> layer_facts(const Layers& layers) {
  LayerFacts facts;
  std::optional<dev_t> device;
  bool one_device = true;
  for (const auto* group : {&layers.lower, &layers.data}) {
    for (const UniqueFd& layer : *group) {
      auto one = directory_facts(layer.get());
      if (!one) return one;
      struct stat st {};
      if (::fstat(layer.get(), &st) != 0) return errno_error("cannot stat a layer");
      if (device && *device != st.st_dev) one_device = false;
      device = st.st_dev;
      facts.file_system = one->file_system;
      facts.trust_times = facts.trust_times && one->trust_times;
    }
  }
  if (!one_device) facts.file_system = 0;
  return facts;
}

}  // namespace holdfast::baseline
