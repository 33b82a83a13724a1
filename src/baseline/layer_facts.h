#pragma once

#include <cstdint>
#include <string>

#include "holdfast/base/result.h"
#include "holdfast/baseline/layers.h"

namespace holdfast::baseline {

/// What the file systems below an image's layers are like.
struct LayerFacts {
  /// f_fsid of the one file system that all layers lie on; 0: several, or one without an id. Then a file's identity
  /// does not say which file system it is of, and hashes cannot be kept by it.
  std::uint64_t file_system = 0;
  /// Whether the kernel itself keeps the ctimes; a FUSE server says what it likes.
  bool trust_times = true;
};

[[nodiscard]] Result<LayerFacts> layer_facts(const Layers& layers);
[[nodiscard]] Result<LayerFacts> directory_facts(int directory);

/// What a snapshot is keyed by: file system, inode and birth time of its root directory.
[[nodiscard]] Result<std::string> snapshot_key(int root);

}  // namespace holdfast::baseline
