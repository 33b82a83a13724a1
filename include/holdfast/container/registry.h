#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/container/container.h"

namespace holdfast::container {

/// All containers, by the device of their root. Writers copy the table; readers take a snapshot that stays true to the
/// moment it was taken. Any thread.
class Registry {
 public:
  using Table = std::unordered_map<dev_t, std::shared_ptr<Container>>;

  /// The table at this moment; never null. The gate keeps one and takes a new one when `generation` has changed.
  [[nodiscard]] std::shared_ptr<const Table> table() const;
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

  [[nodiscard]] std::shared_ptr<Container> find(dev_t device) const;
  /// Replaces whatever had this device before.
  void put(std::shared_ptr<Container> container);
  /// Removes this very container; another one that has its device by now stays.
  void remove(const std::shared_ptr<Container>& container);

  /// CONTAINER of interface.md: an id, a unique id prefix, or a name; the error says if none or several fit.
  [[nodiscard]] Result<std::shared_ptr<Container>> resolve(std::string_view text) const;
  [[nodiscard]] std::vector<std::shared_ptr<Container>> all() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_ = std::make_shared<Table>();
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace holdfast::container
