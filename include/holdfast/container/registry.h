#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/container/container.h"

namespace holdfast::container {

/// The key of an open directory (O_PATH will do).
[[nodiscard]] Result<RootKey> root_key_of(int directory);

/// All containers: those with a superblock of their own by the device of their root, snapshots of plain directories,
/// which share their device with the host, by the root directory. Writers copy the table; readers take a snapshot that
/// stays true to the moment it was taken. Any thread.
class Registry {
 public:
  using Table = std::unordered_map<dev_t, std::shared_ptr<Container>>;

  /// The table at this moment; never null. The gate keeps one and takes a new one when `generation` has changed.
  [[nodiscard]] std::shared_ptr<const Table> table() const;
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

  [[nodiscard]] std::shared_ptr<Container> find(dev_t device) const;
  /// Replaces whatever had this device before.
  void put(std::shared_ptr<Container> container);
  /// Adds a container whose root is a plain directory; replaces one with the same key.
  void put_snapshot(std::shared_ptr<Container> container);
  [[nodiscard]] std::shared_ptr<Container> find_snapshot(const RootKey& root) const;
  /// The snapshot whose root directory is this process's root; `proc_dir` is an open /proc/PID. Null without any system
  /// call while no snapshot is registered.
  [[nodiscard]] std::shared_ptr<Container> find_snapshot_of(int proc_dir) const;
  /// Removes this very container; another one that has its device by now stays.
  void remove(const std::shared_ptr<Container>& container);
  /// Whether this very container is here.
  [[nodiscard]] bool holds(const std::shared_ptr<Container>& container) const;

  /// CONTAINER of interface.md: an id, a unique id prefix, or a name; the error says if none or several fit.
  [[nodiscard]] Result<std::shared_ptr<Container>> resolve(std::string_view text) const;
  [[nodiscard]] std::vector<std::shared_ptr<Container>> all() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_ = std::make_shared<Table>();
  std::atomic<std::uint64_t> generation_{0};
  std::vector<std::shared_ptr<Container>> snapshots_;
  std::atomic<bool> any_snapshot_{false};
};

}  // namespace holdfast::container
