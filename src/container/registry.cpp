#include "holdfast/container/registry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/file.h"

namespace holdfast::container {
namespace {

/// With `name` empty, of `directory` itself.
Result<RootKey> key_at(int directory, const char* name) {
  struct statx st {};
  if (!kernel::statx_without_asking(directory, name, STATX_INO | STATX_BTIME, st)) return errno_error("statx");
  RootKey key;
  key.device = makedev(st.stx_dev_major, st.stx_dev_minor);
  key.inode = st.stx_ino;
  if ((st.stx_mask & STATX_BTIME) != 0) {
    key.birth = static_cast<FileTime>(st.stx_btime.tv_sec) * 1'000'000'000 + st.stx_btime.tv_nsec;
  }
  return key;
}

}  // namespace

Result<RootKey> root_key_of(int directory) { return key_at(directory, ""); }

std::shared_ptr<const Registry::Table> Registry::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

std::shared_ptr<Container> Registry::find(dev_t device) const {
  const auto now = table();
  const auto found = now->find(device);
  return found == now->end() ? nullptr : found->second;
}

void Registry::put(std::shared_ptr<Container> container) {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<Table>(*table_);
  const auto device = container->device();
  next->insert_or_assign(device, std::move(container));
  table_ = std::move(next);
  generation_.fetch_add(1, std::memory_order_release);
}

void Registry::put_snapshot(std::shared_ptr<Container> container) {
  const std::lock_guard lock(mutex_);
  std::erase_if(snapshots_, [&](const auto& other) { return other->key() == container->key(); });
  snapshots_.push_back(std::move(container));
  any_snapshot_.store(true, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<Container> Registry::find_snapshot(const RootKey& root) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(snapshots_.begin(), snapshots_.end(), [&](const auto& one) { return one->key() == root; });
  return found == snapshots_.end() ? nullptr : *found;
}

std::shared_ptr<Container> Registry::find_snapshot_of(int proc_dir) const {
  if (!any_snapshot_.load(std::memory_order_acquire)) return nullptr;
  const auto key = key_at(proc_dir, "root");
  return key ? find_snapshot(*key) : nullptr;
}

void Registry::remove(const std::shared_ptr<Container>& container) {
  const std::lock_guard lock(mutex_);
  const auto found = table_->find(container->device());
  if (found != table_->end() && found->second == container) {
    auto next = std::make_shared<Table>(*table_);
    next->erase(container->device());
    table_ = std::move(next);
  }
  std::erase(snapshots_, container);
  any_snapshot_.store(!snapshots_.empty(), std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
}

bool Registry::holds(const std::shared_ptr<Container>& container) const {
  const std::lock_guard lock(mutex_);
  const auto found = table_->find(container->device());
  if (found != table_->end() && found->second == container) return true;
  return std::find(snapshots_.begin(), snapshots_.end(), container) != snapshots_.end();
}

std::vector<std::shared_ptr<Container>> Registry::all() const {
  std::vector<std::shared_ptr<Container>> out;
  const std::lock_guard lock(mutex_);
  out.reserve(table_->size() + snapshots_.size());
  for (const auto& [device, container] : *table_) out.push_back(container);
  out.insert(out.end(), snapshots_.begin(), snapshots_.end());
  return out;
}

Result<std::shared_ptr<Container>> Registry::resolve(std::string_view text) const {
  std::vector<std::shared_ptr<Container>> prefixed;
  std::vector<std::shared_ptr<Container>> named;
  const auto shown = shorten(printable(text), 100);
  if (text.empty()) return Error{EINVAL, "a container's id, unique id prefix or name is needed"};
  for (auto& container : all()) {
    const auto names = container->names();
    if (names->id == text) return container;
    if (names->id.starts_with(text)) prefixed.push_back(container);
    if (names->name == text) named.push_back(container);
  }
  // A whole name says more than the beginning of an id.
  const auto& fitting = named.empty() ? prefixed : named;
  if (fitting.empty()) return Error{ENOENT, fmt::format("no container has the id, id prefix or name \"{}\"", shown)};
  if (fitting.size() > 1) {
    return Error{ENOTUNIQ, fmt::format("{} containers fit \"{}\": give more of the id", fitting.size(), shown)};
  }
  return fitting.front();
}

}  // namespace holdfast::container
