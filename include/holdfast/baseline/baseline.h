#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/kernel/elf.h"

namespace holdfast::baseline {

enum class Kind { layers, snapshot };
enum class State {
  walking,   ///< the list of executables is not complete; identities are looked up in the image view
  hashing,   ///< every identity is known; hashes are being computed
  complete,  ///< and stored
  failed,    ///< the view could not be made or read; see `failure()`
};
[[nodiscard]] std::string_view to_string(State state);

/// One file of an image that can execute, or a shared object.
struct ImageFile {
  std::string path;  ///< absolute, in the image; raw bytes
  Identity identity;
  mode_t mode = 0;
  bool executable = false;       ///< any x bit
  std::optional<Sha256> sha256;  ///< once hashed
};

/// One image's baseline, shared by all its containers. All members are safe from any thread. Owned by the Catalog's
/// users through shared_ptr; when the last one goes, memory and view go, the database row stays.
class Baseline {
 public:
  virtual ~Baseline() = default;

  [[nodiscard]] virtual const std::string& id() const = 0;  ///< the image key
  [[nodiscard]] virtual Kind kind() const = 0;
  [[nodiscard]] virtual State state() const = 0;
  [[nodiscard]] virtual std::string failure() const = 0;
  [[nodiscard]] virtual std::size_t file_count() const = 0;

  /// The gate's fast path: is this identity an executable of the image, proven by its ctime (kernel fact 16)?
  /// O(1), wait-free, no allocation. False while `walking`.
  [[nodiscard]] virtual bool is_image_code(const Identity& identity) const noexcept = 0;
  /// What the kernel makes of the image's file with this identity, if somebody has looked (`remember_role`). O(1),
  /// wait-free, no allocation.
  [[nodiscard]] virtual std::optional<kernel::ElfRole> role(const Identity& identity) const noexcept = 0;
  /// For bytes that were proven to be the identity's while they were looked at. Nothing if the identity is unknown.
  virtual void remember_role(const Identity& identity, kernel::ElfRole role) const noexcept = 0;

  // What follows is for the slow path: it may read directories and files, never from the gate's thread.

  /// Blocks until the list of executables is complete (or failed) or the deadline has passed; true if complete.
  [[nodiscard]] virtual bool wait_walked(Steady::time_point deadline) const = 0;
  /// The regular file (of any mode) that the image has at `path`, by way of the view; nothing if there is none, or if
  /// a symlink is in the way. Its hash is filled in only if known.
  [[nodiscard]] virtual Result<std::optional<ImageFile>> at_path(std::string_view path) const = 0;
  /// Where the image has its code with this identity; of several hard links, one. Nothing while walking.
  [[nodiscard]] virtual std::optional<std::string> path_of(const Identity& identity) const = 0;
  /// The hash of an image file, from memory, the cache, or by reading it now; ETIMEDOUT at the deadline.
  [[nodiscard]] virtual Result<Sha256> hash(const ImageFile& file, Steady::time_point deadline) const = 0;
  /// Whether any executable of the image has this size in bytes. Meaningful once walked.
  [[nodiscard]] virtual bool has_size(std::uint64_t size) const noexcept = 0;
  /// An executable of the image with this content; hashes candidates of that size that have no hash yet.
  [[nodiscard]] virtual Result<std::optional<ImageFile>> find_content(std::uint64_t size, const Sha256& sha256,
                                                                      Steady::time_point deadline) const = 0;
  /// Every identity whose path or hash `wanted` accepts: fills a container's prohibited table. Blocks until `complete`
  /// or the deadline (ETIMEDOUT).
  [[nodiscard]] virtual Result<std::vector<ImageFile>> all_files(Steady::time_point deadline) const = 0;
};

}  // namespace holdfast::baseline
