#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "capture_context.h"
#include "live_baseline.h"

namespace holdfast::baseline {

/// The work of filling one image's baseline: prepare once, hash batches from any number of threads at once, finish
/// once. Keeps the baseline alive, so that a container that ends early still leaves a complete baseline behind.
class Capture {
 public:
  Capture(std::shared_ptr<LiveBaseline> baseline, std::shared_ptr<CaptureContext> context);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// Finds the baseline in the database, or walks the image and looks its hashes up in the cache. True: there are files
  /// left to hash; false: finished, one way or the other.
  [[nodiscard]] bool prepare();

  using Batch = std::span<const std::uint32_t>;
  // These three under the pool's lock.
  [[nodiscard]] Batch claim();
  [[nodiscard]] bool exhausted() const { return next_ == work_.size(); }
  /// True for the last batch of all.
  [[nodiscard]] bool give_back(Batch batch);

  void hash(Batch batch);
  void finish();

 private:
  [[nodiscard]] bool load();
  [[nodiscard]] Result<void> walk_view();
  void look_up_cache();
  void order_work();
  void fail(const Error& error);

  const std::shared_ptr<LiveBaseline> baseline_;
  const std::shared_ptr<CaptureContext> context_;
  const ImageView* view_ = nullptr;
  std::vector<std::uint32_t> work_;
  std::size_t next_ = 0;
  std::size_t given_back_ = 0;
};

}  // namespace holdfast::baseline
