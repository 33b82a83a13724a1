#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/baseline/catalog.h"

#include "capture_pool.h"
#include "live_baseline.h"

namespace holdfast::baseline {

/// The Catalog of a running service: database, pool and live baselines of this process.
class LocalCatalog final : public Catalog {
 public:
  LocalCatalog(std::shared_ptr<CaptureContext> context, unsigned threads);
  ~LocalCatalog() override;

  [[nodiscard]] Result<std::shared_ptr<Baseline>> open_image(Layers layers) override;
  [[nodiscard]] Result<std::shared_ptr<Baseline>> open_snapshot(int root) override;
  [[nodiscard]] Result<std::shared_ptr<Baseline>> find_snapshot(int root) override;
  void name_image(const std::string& id, const std::string& reference, const std::string& digest) override;
  [[nodiscard]] Result<std::vector<ImageSummary>> list() const override;
  [[nodiscard]] Result<std::string> resolve(std::string_view image) const override;
  [[nodiscard]] Result<std::vector<ImageFile>> files(const std::string& id) const override;
  [[nodiscard]] Result<std::vector<std::string>> images_with_program(std::uint64_t size, const Sha256& sha256,
                                                                     Steady::time_point deadline) const override;
  [[nodiscard]] Result<std::vector<Difference>> verify(const std::string& id, bool write,
                                                       const Progress& progress) override;
  [[nodiscard]] Result<std::uint64_t> prune(std::int64_t before) override;
  [[nodiscard]] Result<std::uint64_t> prune_layered(std::int64_t before) override;
  void note_alive(Wall::time_point now) override;
  [[nodiscard]] Result<std::optional<Wall::time_point>> last_alive() const override;
  [[nodiscard]] Result<std::vector<policy::Override>> overrides() const override;
  [[nodiscard]] Result<void> save_override(const policy::Override& one) override;
  [[nodiscard]] Result<void> remove_override(const policy::Override::Target& target) override;
  [[nodiscard]] Result<std::vector<policy::Sealed>> sealed(std::size_t most) const override;
  [[nodiscard]] Result<void> save_sealed(const policy::Sealed& one) override;
  [[nodiscard]] Result<void> prune_sealed(std::int64_t before) override;
  [[nodiscard]] CatalogCounters counters() const override;

 private:
  struct Name {
    std::string id, reference, digest;
  };
  struct Opened {
    std::shared_ptr<LiveBaseline> baseline;
    bool is_new = false;
  };

  [[nodiscard]] std::shared_ptr<LiveBaseline> find_live(const std::string& id) const;
  [[nodiscard]] std::vector<std::shared_ptr<LiveBaseline>> all_live() const;
  [[nodiscard]] Opened find_or_add(ImageRecord record, Layers layers);
  [[nodiscard]] Result<void> take_snapshot(LiveBaseline& baseline, int root);
  /// Names arrive at the barrier, which must not wait for a database: they are written soon after.
  void flush_names() const;
  void flush_alive() const;
  /// Stored images, then live ones that the database does not have.
  [[nodiscard]] Result<std::vector<StoredImage>> known_images() const;

  const std::shared_ptr<CaptureContext> context_;
  const unsigned threads_;
  mutable std::mutex flush_mutex_;  ///< over the writing of names; taken before mutex_
  mutable std::mutex mutex_;        ///< live_, names_; never held over anything slow
  mutable std::map<std::string, std::weak_ptr<LiveBaseline>> live_;
  mutable std::vector<Name> names_;
  mutable std::atomic<std::int64_t> alive_{0};  ///< seconds since the epoch, to be written; 0: nothing
  std::optional<CapturePool> pool_;             ///< last: its threads use all of the above
};

}  // namespace holdfast::baseline
