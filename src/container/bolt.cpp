#include "bolt.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "path_view.h"

namespace holdfast::container {
namespace {

constexpr std::uint32_t kMagic = 0xED0CDAED;
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kPageHeader = 16, kElement = 16, kMetaSize = 64, kBucketHeader = 16;
constexpr std::uint16_t kBranch = 0x01, kLeaf = 0x02;
constexpr std::uint32_t kBucketElement = 0x01;
constexpr std::uint32_t kSmallestPage = 512, kLargestPage = 65536;
constexpr std::size_t kMostPageBytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t kMostPagesRead = 512;
constexpr int kMostDepth = 16;
constexpr int kTries = 4;

// bolt maps its own structs: numbers are the machine's.
static_assert(std::endian::native == std::endian::little);

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.substr(at, sizeof value).data(), sizeof value);
  return value;
}

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

Error damaged() { return {EUCLEAN, "the database is damaged, or being written"}; }

}  // namespace

std::optional<Bolt::Meta> Bolt::meta_at(std::uint64_t offset) {
  std::array<char, kPageHeader + kMetaSize> bytes{};
  if (!read_(offset, bytes.data(), bytes.size())) return std::nullopt;
  const std::string_view meta = std::string_view(bytes.data(), bytes.size()).substr(kPageHeader);
  if (number_at<std::uint32_t>(meta, 0) != kMagic || number_at<std::uint32_t>(meta, 4) != kVersion) return std::nullopt;
  if (number_at<std::uint64_t>(meta, 56) != fnv1a(meta.substr(0, 56))) return std::nullopt;
  const Meta out{number_at<std::uint64_t>(meta, 16), number_at<std::uint64_t>(meta, 48),
                 number_at<std::uint64_t>(meta, 40), number_at<std::uint32_t>(meta, 8)};
  if (out.page_size < kSmallestPage || out.page_size > kLargestPage || !std::has_single_bit(out.page_size)) {
    return std::nullopt;
  }
  return out;
}

/// Two metas take turns; the newer one that is whole counts.
Result<Bolt::Meta> Bolt::read_meta() {
  const auto first = meta_at(0);
  // The second one lies a page further; if the first is not whole, the page is what the machine's usually is.
  const auto second = meta_at(first ? first->page_size : 4096);
  if (!first && !second) return damaged();
  if (!first || !second) return first ? *first : *second;
  return first->transaction > second->transaction ? *first : *second;
}

Result<std::string> Bolt::read_page(std::uint64_t number) {
  if (number < 2 || number >= meta_.pages || ++pages_read_ > kMostPagesRead) return damaged();
  std::string page(meta_.page_size, '\0');
  const std::uint64_t offset = number * meta_.page_size;
  if (!read_(offset, page.data(), page.size())) return damaged();
  if (number_at<std::uint64_t>(page, 0) != number) return damaged();
  const std::uint64_t size = (std::uint64_t{number_at<std::uint32_t>(page, 12)} + 1) * meta_.page_size;
  if (size > kMostPageBytes) return damaged();
  if (size == page.size()) return page;
  page.resize(size);
  if (!read_(offset, page.data(), page.size())) return damaged();
  return page;
}

/// In the order of their keys.
Result<std::vector<Bolt::Element>> Bolt::elements_of(std::string_view page) {
  if (page.size() < kPageHeader) return damaged();
  const auto flags = number_at<std::uint16_t>(page, 8);
  const std::size_t count = number_at<std::uint16_t>(page, 10);
  if ((flags != kBranch && flags != kLeaf) || count * kElement > page.size() - kPageHeader) return damaged();
  std::vector<Element> elements;
  elements.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = kPageHeader + i * kElement;
    const bool leaf = flags == kLeaf;
    const std::uint64_t position = at + number_at<std::uint32_t>(page, at + (leaf ? 4 : 0));
    const std::uint64_t key = number_at<std::uint32_t>(page, at + (leaf ? 8 : 4));
    const std::uint64_t value = leaf ? number_at<std::uint32_t>(page, at + 12) : 0;
    if (position + key + value > page.size()) return damaged();
    Element& element = elements.emplace_back();
    element.key = page.substr(position, key);
    element.value = page.substr(position + key, value);
    if (leaf) {
      element.is_bucket = (number_at<std::uint32_t>(page, at) & kBucketElement) != 0;
    } else {
      element.page = number_at<std::uint64_t>(page, at + 8);
    }
  }
  return elements;
}

Result<std::optional<std::string>> Bolt::get(const Bucket& bucket, std::string_view key, bool is_bucket) {
  auto page = bucket.root == 0 ? Result<std::string>(bucket.inline_page) : read_page(bucket.root);
  for (int depth = 0; depth < kMostDepth; ++depth) {
    if (!page) return page.error();
    const auto elements = elements_of(*page);
    if (!elements) return elements.error();
    const bool leaf = number_at<std::uint16_t>(*page, 8) == kLeaf;
    std::uint64_t next = 0;
    for (const Element& element : *elements) {
      if (leaf && element.key == key) {
        if (element.is_bucket != is_bucket) return std::optional<std::string>();
        return std::optional<std::string>(element.value);
      }
      // A branch's key is the first of its page; what comes before the first is on the first page, if anywhere.
      if (!leaf && (next == 0 || element.key <= key)) next = element.page;
    }
    if (leaf || next == 0) return std::optional<std::string>();
    page = read_page(next);
  }
  return damaged();
}

Result<std::optional<Bolt::Bucket>> Bolt::descend(const Bucket& from, std::string_view name) {
  auto value = get(from, name, true);
  if (!value) return value.error();
  if (!*value) return std::optional<Bucket>();
  if ((*value)->size() < kBucketHeader) return damaged();
  Bucket bucket{number_at<std::uint64_t>(**value, 0), {}};
  if (bucket.root == 0) bucket.inline_page = (*value)->substr(kBucketHeader);
  return std::optional(std::move(bucket));
}

Result<void> Bolt::all_of(const std::string& page, int depth, std::size_t limit,
                          std::map<std::string, std::string>& values) {
  if (depth > kMostDepth) return damaged();
  const auto elements = elements_of(page);
  if (!elements) return elements.error();
  const bool leaf = number_at<std::uint16_t>(page, 8) == kLeaf;
  for (const Element& element : *elements) {
    if (values.size() >= limit) break;
    if (leaf) {
      if (!element.is_bucket) values.emplace(element.key, element.value);
      continue;
    }
    auto below = read_page(element.page);
    if (!below) return below.error();
    if (auto done = all_of(*below, depth + 1, limit, values); !done) return done;
  }
  return {};
}

Result<Bolt::Found> Bolt::find_now(const Path& path, std::string_view key, std::string_view all, std::size_t limit) {
  pages_read_ = 0;
  Bucket bucket{meta_.root, {}};
  for (const std::string& name : path) {
    auto next = descend(bucket, name);
    if (!next) return next.error();
    if (!*next) return Found{};
    bucket = std::move(**next);
  }
  Found found;
  auto value = get(bucket, key, false);
  if (!value) return value.error();
  found.value = std::move(*value);
  if (all.empty()) return found;
  auto wanted = descend(bucket, all);
  if (!wanted) return wanted.error();
  if (!*wanted) return found;
  auto page = (*wanted)->root == 0 ? Result<std::string>((*wanted)->inline_page) : read_page((*wanted)->root);
  if (!page) return page.error();
  if (auto done = all_of(*page, 0, limit, found.values); !done) return done.error();
  return found;
}

Result<Bolt::Found> Bolt::find(const Path& path, std::string_view key, std::string_view all, std::size_t limit) {
  Result<Found> found = damaged();
  for (int i = 0; i < kTries; ++i) {
    const auto before = read_meta();
    if (!before) return before.error();
    meta_ = *before;
    found = find_now(path, key, all, limit);
    // Pages of a transaction are written again only after the next one is whole.
    const auto after = read_meta();
    if (after && after->transaction == before->transaction) return found;
    found = damaged();
  }
  return found;
}

std::optional<Bolt::Found> find_in_bolt(int directory, const std::string& file, const Bolt::Path& path,
                                        std::string_view key, std::string_view all, std::size_t limit) {
  const auto fd = open_state_file(directory, file);
  if (!fd) return std::nullopt;
  Bolt database([&fd](std::uint64_t offset, char* buffer, std::size_t size) {
    return offset <= static_cast<std::uint64_t>(INT64_MAX) &&
           ::pread(fd->get(), buffer, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  });
  auto found = database.find(path, key, all, limit);
  if (!found) return std::nullopt;
  return std::move(*found);
}

}  // namespace holdfast::container
