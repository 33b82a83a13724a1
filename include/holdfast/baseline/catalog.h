#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/baseline/baseline.h"
#include "holdfast/baseline/layers.h"
#include "holdfast/policy/override.h"
#include "holdfast/policy/sealed.h"

namespace holdfast::baseline {

/// One row of `holdfast baseline list`.
struct ImageSummary {
  std::string id;
  std::string kind;  ///< layers | snapshot
  std::string state;
  std::vector<std::string> names;  ///< references
  std::vector<std::string> digests;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::string captured;   ///< RFC 3339, empty if never complete
  std::string last_used;  ///< RFC 3339
  bool in_use = false;    ///< a container has it now
};

/// What a rebuild or verify found different from the stored baseline.
struct Difference {
  enum class What { added, removed, changed } what = What::changed;
  std::string path;
  std::optional<Sha256> before, after;
};

struct CatalogCounters {
  std::uint64_t images_live = 0, images_stored = 0, captures_running = 0, captures_done = 0, captures_failed = 0,
                files_hashed = 0, bytes_hashed = 0, cache_hits = 0;
};

/// Owns the database, the capture threads and the live baselines. Any thread, unless said otherwise.
class Catalog {
 public:
  struct Options {
    std::string database;          ///< path; created with mode 0600 in a directory that exists
    unsigned capture_threads = 0;  ///< 0: one per core
    /// One sentence for the service's log: a capture that failed, a database that cannot be written. Any thread.
    std::function<void(const std::string&)> on_problem = {};
  };
  /// Fails with one clear sentence on a corrupt database or one of a newer version; never deletes anything.
  [[nodiscard]] static Result<std::unique_ptr<Catalog>> open(const Options& options);
  virtual ~Catalog() = default;

  /// The baseline for an image: live, from the database, or new with its capture queued. Takes well under a
  /// millisecond and does not read layers: the barrier waits for it.
  [[nodiscard]] virtual Result<std::shared_ptr<Baseline>> open_image(Layers layers) = 0;
  /// The baseline of a root without layers: captured completely before this returns, unless one is stored for the same
  /// root directory (file system, inode, birth time). `root` is an open directory.
  [[nodiscard]] virtual Result<std::shared_ptr<Baseline>> open_snapshot(int root) = 0;

  /// The stored baseline of a root without layers that runs already, so that what it holds now proves nothing. Null if
  /// none is stored.
  [[nodiscard]] virtual Result<std::shared_ptr<Baseline>> find_snapshot(int root) = 0;

  /// Remembers what an image is called.
  virtual void name_image(const std::string& id, const std::string& reference, const std::string& digest) = 0;

  [[nodiscard]] virtual Result<std::vector<ImageSummary>> list() const = 0;
  /// IMAGE of interface.md: reference, digest or (prefix of) an id; the error says if none or several fit.
  [[nodiscard]] virtual Result<std::string> resolve(std::string_view image) const = 0;
  [[nodiscard]] virtual Result<std::vector<ImageFile>> files(const std::string& id) const = 0;

  /// References, digests and ids of the images that ship an executable with this content. Images with layers only: a
  /// snapshot is of a root that a container may have had before. An image whose list of executables is not complete yet
  /// is not among them.
  [[nodiscard]] virtual Result<std::vector<std::string>> images_with_program(std::uint64_t size, const Sha256& sha256,
                                                                             Steady::time_point deadline) const = 0;

  /// (files done, files in all); returns false to stop.
  using Progress = std::function<bool(std::uint64_t, std::uint64_t)>;
  /// Reads every file of an image again, past the cache, and compares with what is stored. `write` puts the result into
  /// the database and into the live baseline. Layers come from the live view, else from their stored paths if the image
  /// key still is the same there; else an error says that the layers are gone.
  [[nodiscard]] virtual Result<std::vector<Difference>> verify(const std::string& id, bool write,
                                                               const Progress& progress) = 0;
  /// Removes the baselines of images that no container has had since `before` (seconds since the epoch) and cached
  /// hashes that no image refers to; returns how many images went.
  [[nodiscard]] virtual Result<std::uint64_t> prune(std::int64_t before) = 0;
  /// The same, but for snapshots: what a root without layers held at its start cannot be learned again.
  [[nodiscard]] virtual Result<std::uint64_t> prune_layered(std::int64_t before) = 0;

  /// Remembers that a service runs here at this time: soon, and when the catalog is destroyed at the latest.
  virtual void note_alive(Wall::time_point now) = 0;
  /// The time that was remembered last, to the second; nothing in a database that never had one.
  [[nodiscard]] virtual Result<std::optional<Wall::time_point>> last_alive() const = 0;

  /// Overrides of containers' modes, kept for the next service; each is written before the call returns.
  [[nodiscard]] virtual Result<std::vector<policy::Override>> overrides() const = 0;
  /// Replaces the target's.
  [[nodiscard]] virtual Result<void> save_override(const policy::Override& one) = 0;
  /// One that is not there is fine.
  [[nodiscard]] virtual Result<void> remove_override(const policy::Override::Target& target) = 0;

  /// What [Seal] has pinned, kept for the next service: at most so many containers', those that were last seen.
  [[nodiscard]] virtual Result<std::vector<policy::Sealed>> sealed(std::size_t most) const = 0;
  /// Replaces the root's; written before the call returns.
  [[nodiscard]] virtual Result<void> save_sealed(const policy::Sealed& one) = 0;
  /// Removes those last seen before, in seconds since the epoch.
  [[nodiscard]] virtual Result<void> prune_sealed(std::int64_t before) = 0;

  [[nodiscard]] virtual CatalogCounters counters() const = 0;
};

}  // namespace holdfast::baseline
