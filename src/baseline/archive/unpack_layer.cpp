#include "unpack_layer.h"

#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "archive_reader.h"

namespace holdfast::baseline {
namespace {

constexpr std::size_t kMostShownName = 200;

void hash_zeros(Digest& digest, std::uint64_t count) {
  static constexpr std::array<char, std::size_t{64} * 1024> kZeros{};
  for (; count > 0; count -= std::min<std::uint64_t>(count, kZeros.size())) {
    digest.update(kZeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(count, kZeros.size())));
  }
}

/// A file's content with its holes.
Result<Sha256> hash_content(ArchiveReader& reader, std::uint64_t size) {
  Digest digest;
  std::uint64_t done = 0;
  for (;;) {
    auto block = reader.next_block();
    if (!block) return block.error();
    if (!*block) break;
    const auto& [bytes, offset] = **block;
    if (offset < done || offset > size || bytes.size() > size - offset)
      return Error{EINVAL, "its parts do not fit its size"};
    hash_zeros(digest, offset - done);
    digest.update(bytes);
    done = offset + bytes.size();
  }
  hash_zeros(digest, size - done);
  return digest.finish();
}

Result<void> add_file(ArchiveReader& reader, archive_entry* entry, std::string_view name, LayerTree& tree,
                      std::uint64_t& budget) {
  const la_int64_t declared = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0;
  if (declared < 0) return Error{EINVAL, "its size is negative"};
  const auto size = static_cast<std::uint64_t>(declared);
  if (size > budget) return Error{EFBIG, "with it the image is larger than Holdfast reads"};
  budget -= size;
  auto sha256 = hash_content(reader, size);
  if (!sha256) return sha256.error();
  return tree.add_file(name, {size, archive_entry_perm(entry), *sha256});
}

Result<void> add_entry(ArchiveReader& reader, archive_entry* entry, std::string_view name, LayerTree& tree,
                       std::uint64_t& budget) {
  if (const char* const target = archive_entry_hardlink(entry)) {
    return tree.add_hard_link(name, target, archive_entry_perm(entry));
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return add_file(reader, entry, name, tree, budget);
    case AE_IFDIR:
      return tree.add_directory(name);
    case AE_IFLNK: {
      const char* const target = archive_entry_symlink(entry);
      return tree.add_symlink(name, target == nullptr ? "" : target);
    }
    case AE_IFCHR:
      if (archive_entry_rdevmajor(entry) == 0 && archive_entry_rdevminor(entry) == 0)
        return tree.add_whiteout_device(name);
      return tree.add_other(name);
    default:
      return tree.add_other(name);
  }
}

}  // namespace

Result<void> unpack_layer(ByteStream& tar, LayerTree& tree, std::uint64_t& budget) {
  auto reader = ArchiveReader::open(tar, ArchiveReader::Format::tar);
  if (!reader) return reader.error();
  for (;;) {
    auto entry = (*reader)->next_entry();
    if (!entry) return entry.error();
    if (*entry == nullptr) return {};
    const char* const raw = archive_entry_pathname(*entry);
    if (raw == nullptr) return Error{EINVAL, "an entry has no name"};
    const std::string name(raw);
    if (auto added = add_entry(**reader, *entry, name, tree, budget); !added) {
      return Error{added.error().code,
                   fmt::format("{}: {}", shorten(printable(name), kMostShownName), added.error().message)};
    }
  }
}

}  // namespace holdfast::baseline
