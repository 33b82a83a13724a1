#include "writer_table.h"

#include <algorithm>

namespace holdfast::gate {

WriterTable::WriterTable(std::size_t sets) : sets_(sets) {}

std::size_t WriterTable::index(const FileVersion& file) const {
  std::uint64_t h = static_cast<std::uint64_t>(file.inode) * 0x9e3779b97f4a7c15U;
  h = (h ^ (h >> 32) ^ file.device) * 0xd6e8feb86659fd93U;
  return static_cast<std::size_t>(h >> 40) % sets_.size();
}

void WriterTable::note(const FileVersion& file, Deed deed) {
  const std::lock_guard lock(mutex_);
  auto& set = sets_[index(file)];
  auto place = std::find_if(set.begin(), set.end(), [&](const Note& note) { return note.is_of(file); });
  if (place == set.end()) {
    place = std::min_element(set.begin(), set.end(),
                             [](const Note& a, const Note& b) { return a.deed.time < b.deed.time; });
  }
  *place = {file.device, file.inode, file.birth, std::move(deed)};
}

std::optional<Deed> WriterTable::find(const FileVersion& file) const {
  const std::lock_guard lock(mutex_);
  const auto& set = sets_[index(file)];
  const auto found = std::find_if(set.begin(), set.end(), [&](const Note& note) { return note.is_of(file); });
  if (found == set.end() || found->birth != file.birth) return std::nullopt;
  return found->deed;
}

void WriterTable::forget_since(Wall::time_point then) {
  const std::lock_guard lock(mutex_);
  for (auto& set : sets_) {
    for (auto& note : set) {
      if (note.inode != 0 && note.deed.time >= then) note = {};
    }
  }
}

}  // namespace holdfast::gate
