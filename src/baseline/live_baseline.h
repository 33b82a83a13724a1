#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/baseline/baseline.h"

#include "capture_context.h"
#include "identity_table.h"
#include "image_view.h"

namespace holdfast::baseline {

/// The one implementation of Baseline, for layers and for snapshots. Captures fill it through `publish`.
class LiveBaseline final : public Baseline {
 public:
  /// `layers` is empty for a snapshot.
  LiveBaseline(ImageRecord record, Layers layers, std::shared_ptr<CaptureContext> context)
      : record_(std::move(record)), context_(std::move(context)), layers_(std::move(layers)) {}

  [[nodiscard]] const std::string& id() const override { return record_.key; }
  [[nodiscard]] Kind kind() const override { return record_.kind; }
  [[nodiscard]] State state() const override { return state_.load(std::memory_order_acquire); }
  [[nodiscard]] std::string failure() const override;
  [[nodiscard]] std::size_t file_count() const override;
  [[nodiscard]] bool is_image_code(const Identity& identity) const noexcept override;
  [[nodiscard]] std::optional<kernel::ElfRole> role(const Identity& identity) const noexcept override;
  void remember_role(const Identity& identity, kernel::ElfRole role) const noexcept override;
  [[nodiscard]] bool wait_walked(Steady::time_point deadline) const override;
  [[nodiscard]] Result<std::optional<ImageFile>> at_path(std::string_view path) const override;
  [[nodiscard]] std::optional<std::string> path_of(const Identity& identity) const override;
  [[nodiscard]] Result<Sha256> hash(const ImageFile& file, Steady::time_point deadline) const override;
  [[nodiscard]] bool has_size(std::uint64_t size) const noexcept override;
  [[nodiscard]] Result<std::optional<ImageFile>> find_content(std::uint64_t size, const Sha256& sha256,
                                                              Steady::time_point deadline) const override;
  [[nodiscard]] Result<std::vector<ImageFile>> all_files(Steady::time_point deadline) const override;

  [[nodiscard]] const ImageRecord& record() const { return record_; }
  /// Made by the first who asks; lives as long as this. Not for snapshots.
  [[nodiscard]] Result<const ImageView*> view() const;
  /// Null while walking. Stays valid as long as this.
  [[nodiscard]] IdentityTable* table() const { return table_.load(std::memory_order_acquire); }

  void publish(std::unique_ptr<IdentityTable> table, State state);
  void set_state(State state);
  void fail(const Error& error);
  /// Blocks until complete or failed.
  void wait_done() const;

 private:
  [[nodiscard]] Result<Sha256> read_now(const ImageFile& file, Steady::time_point deadline) const;
  [[nodiscard]] Result<std::optional<ImageFile>> recorded_at(std::string_view path) const;

  const ImageRecord record_;
  const std::shared_ptr<CaptureContext> context_;

  mutable std::mutex view_mutex_;  ///< layers_, view_, view_error_
  mutable Layers layers_;          ///< given up once there is a view
  mutable std::optional<ImageView> view_;
  mutable std::optional<Error> view_error_;

  std::atomic<State> state_{State::walking};
  std::atomic<IdentityTable*> table_{nullptr};
  mutable std::mutex mutex_;  ///< failure_, tables_; and for changed_
  mutable std::condition_variable changed_;
  std::string failure_;
  /// Every table that was ever published: the gate may still be looking at an old one.
  std::vector<std::unique_ptr<IdentityTable>> tables_;
};

}  // namespace holdfast::baseline
