#include "holdfast/baseline/image_listing.h"

#include <fmt/format.h>

#include "digest.h"
#include "inventory.h"

namespace holdfast::baseline {
namespace {

/// A snapshot records data files too: they are no executables.
std::size_t next_recorded(const ImageListing& listing, std::size_t file) {
  while (file < listing.files.size() && !is_recorded(listing.files[file].mode, listing.files[file].path)) ++file;
  return file;
}

bool same(const ListedFile& before, const ListedFile& after) { return before == after && before.sha256.has_value(); }

}  // namespace

bool is_recorded(mode_t mode, std::string_view path) {
  return (mode & 0111U) != 0 || named_like_shared_object(path.substr(path.rfind('/') + 1));
}

std::string content_of(const ImageListing& listing) {
  Digest digest;
  for (const ListedFile& file : listing.files) {
    digest.update(file.path);
    // Paths hold no zero byte, so nothing of one file can pass for a part of another's path.
    digest.update(std::string_view("\0", 1));
    digest.update(fmt::format("{:04o} {} {}\n", file.mode, file.size, file.sha256 ? to_hex(*file.sha256) : "-"));
  }
  return to_hex(digest.finish());
}

std::vector<ListingDifference> compare(const ImageListing& before, const ImageListing& after) {
  std::vector<ListingDifference> differences;
  std::size_t a = next_recorded(before, 0);
  std::size_t b = next_recorded(after, 0);
  while (a < before.files.size() || b < after.files.size()) {
    const ListedFile* const left = a < before.files.size() ? &before.files[a] : nullptr;
    const ListedFile* const right = b < after.files.size() ? &after.files[b] : nullptr;
    const bool takes_left = right == nullptr || (left != nullptr && left->path <= right->path);
    const bool takes_right = left == nullptr || (right != nullptr && right->path <= left->path);
    if (!takes_right) {
      differences.push_back({*left, std::nullopt});
    } else if (!takes_left) {
      differences.push_back({std::nullopt, *right});
    } else if (!same(*left, *right)) {
      differences.push_back({*left, *right});
    }
    if (takes_left) a = next_recorded(before, a + 1);
    if (takes_right) b = next_recorded(after, b + 1);
  }
  return differences;
}

}  // namespace holdfast::baseline
