#include "identity_table.h"

#include <algorithm>
#include <bit>

namespace holdfast::baseline {
namespace {

constexpr std::size_t kMaxFiles = std::size_t{1} << 24;
constexpr std::size_t kMaxPathBytes = std::size_t{1} << 30;

}  // namespace

bool IdentityTable::Builder::add(const FileRecord& file) {
  if (items_.size() >= kMaxFiles || paths_.size() + file.path.size() > kMaxPathBytes) return false;
  items_.push_back({file.identity, static_cast<std::uint32_t>(paths_.size()),
                    static_cast<std::uint32_t>(file.path.size()), file.mode, file.code, file.proven, file.sha256});
  paths_ += file.path;
  return true;
}

std::unique_ptr<IdentityTable> IdentityTable::Builder::build() && {
  const auto path = [this](const Item& item) {
    return std::string_view(paths_).substr(item.path_offset, item.path_length);
  };
  std::sort(items_.begin(), items_.end(), [&](const Item& a, const Item& b) { return path(a) < path(b); });
  const auto code_count = std::count_if(items_.begin(), items_.end(), [](const Item& item) { return item.code; });

  std::unique_ptr<IdentityTable> table(new IdentityTable);
  table->code_count_ = static_cast<std::uint32_t>(code_count);
  table->buckets_.assign(std::bit_ceil(2 * static_cast<std::size_t>(code_count) + 1), kNone);
  table->entries_.reserve(items_.size());
  for (const Item& item : items_) {
    table->entries_.push_back({item.identity, item.path_offset, item.path_length, item.mode, kNone});
    if (item.code) table->add_code(static_cast<std::uint32_t>(table->entries_.size() - 1));
  }
  table->slot_owners_.shrink_to_fit();
  table->slots_ = std::make_unique<Slot[]>(table->slot_owners_.size());
  for (std::uint32_t file = 0; file < table->size(); ++file) {
    if (!items_[file].code) continue;
    if (items_[file].proven) table->slots_[table->entries_[file].slot].proven.store(true, std::memory_order_relaxed);
    if (items_[file].sha256) table->set_hash(file, *items_[file].sha256, items_[file].proven);
  }
  paths_.shrink_to_fit();
  table->paths_ = std::move(paths_);
  table->index_sizes();
  return table;
}

/// Hard links have one identity: the first path of it owns the slot, the others share it.
void IdentityTable::add_code(std::uint32_t file) {
  Entry& entry = entries_[file];
  const std::size_t mask = buckets_.size() - 1;
  std::size_t bucket = IdentityHash{}(entry.identity) & mask;
  while (buckets_[bucket] != kNone && entries_[buckets_[bucket]].identity != entry.identity)
    bucket = (bucket + 1) & mask;
  if (buckets_[bucket] != kNone) {
    entry.slot = entries_[buckets_[bucket]].slot;
    return;
  }
  buckets_[bucket] = file;
  entry.slot = static_cast<std::uint32_t>(slot_owners_.size());
  slot_owners_.push_back(file);
}

void IdentityTable::index_sizes() {
  for (std::uint32_t file = 0; file < size(); ++file) {
    if (code(file) && executable(file)) by_size_.push_back(file);
  }
  std::stable_sort(by_size_.begin(), by_size_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return entries_[a].identity.size < entries_[b].identity.size;
  });
  by_size_.shrink_to_fit();
}

std::string_view IdentityTable::path(std::uint32_t file) const {
  return std::string_view(paths_).substr(entries_[file].path_offset, entries_[file].path_length);
}

bool IdentityTable::proven(std::uint32_t file) const {
  return code(file) && slots_[entries_[file].slot].proven.load(std::memory_order_acquire);
}

std::optional<Sha256> IdentityTable::hash(std::uint32_t file) const {
  if (!code(file)) return std::nullopt;
  const Slot& slot = slots_[entries_[file].slot];
  if (slot.state.load(std::memory_order_acquire) != Slot::ready) return std::nullopt;
  return slot.sha256;
}

ImageFile IdentityTable::image_file(std::uint32_t file) const {
  return {std::string(path(file)), identity(file), mode(file), executable(file), hash(file)};
}

void IdentityTable::set_hash(std::uint32_t file, const Sha256& sha256, bool proven) {
  Slot& slot = slots_[entries_[file].slot];
  std::uint8_t state = Slot::empty;
  if (slot.state.compare_exchange_strong(state, Slot::writing, std::memory_order_acq_rel)) {
    slot.sha256 = sha256;
    slot.state.store(Slot::ready, std::memory_order_release);
    state = Slot::ready;
  }
  // What is proven is that these bytes belong to the identity: no proof for a slot that says others.
  if (proven && state == Slot::ready && slot.sha256 == sha256) slot.proven.store(true, std::memory_order_release);
}

std::uint32_t IdentityTable::find(const Identity& identity) const noexcept {
  const std::size_t mask = buckets_.size() - 1;
  for (std::size_t bucket = IdentityHash{}(identity)&mask; buckets_[bucket] != kNone; bucket = (bucket + 1) & mask) {
    if (entries_[buckets_[bucket]].identity == identity) return buckets_[bucket];
  }
  return kNone;
}

bool IdentityTable::is_proven_code(const Identity& identity) const noexcept {
  const std::uint32_t file = find(identity);
  return file != kNone && slots_[entries_[file].slot].proven.load(std::memory_order_acquire);
}

std::optional<kernel::ElfRole> IdentityTable::role(const Identity& identity) const noexcept {
  const std::uint32_t file = find(identity);
  if (file == kNone) return std::nullopt;
  const std::uint8_t known = slots_[entries_[file].slot].role.load(std::memory_order_relaxed);
  return known == 0 ? std::nullopt : std::optional(static_cast<kernel::ElfRole>(known - 1));
}

void IdentityTable::remember_role(const Identity& identity, kernel::ElfRole role) noexcept {
  const std::uint32_t file = find(identity);
  if (file == kNone) return;
  slots_[entries_[file].slot].role.store(static_cast<std::uint8_t>(static_cast<std::uint8_t>(role) + 1),
                                         std::memory_order_relaxed);
}

std::uint32_t IdentityTable::find_path(std::string_view wanted) const {
  std::uint32_t low = 0;
  std::uint32_t high = size();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (path(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < size() && path(low) == wanted ? low : kNone;
}

std::span<const std::uint32_t> IdentityTable::of_size(std::uint64_t size) const noexcept {
  const auto first = std::partition_point(by_size_.begin(), by_size_.end(),
                                          [&](std::uint32_t file) { return entries_[file].identity.size < size; });
  const auto last = std::partition_point(first, by_size_.end(),
                                         [&](std::uint32_t file) { return entries_[file].identity.size == size; });
  return {first, last};
}

}  // namespace holdfast::baseline
