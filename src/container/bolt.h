#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"

namespace holdfast::container {

/// Looks things up in a bolt database, the B+tree file in which Podman (up to 4.7) and containerd keep what they know
/// of containers. Reads single pages, takes no lock and never writes: the owner may write at any time, so what was read
/// counts only if the database is of the same transaction before and after. The file may be hostile (a rootless
/// engine's is its user's own): every offset, size, depth and count is checked.
class Bolt {
 public:
  using Path = std::vector<std::string>;  ///< names of buckets, outermost first
  /// Reads `size` bytes at an offset into the buffer; false if there are not as many.
  using ReadAt = std::function<bool(std::uint64_t offset, char* buffer, std::size_t size)>;

  explicit Bolt(ReadAt read) : read_(std::move(read)) {}

  struct Found {
    std::optional<std::string> value;           ///< of `key`
    std::map<std::string, std::string> values;  ///< of the bucket `all`, at most `limit`
  };
  /// The value of a key of the bucket at `path`, and all values of the bucket `all` in it, where they are there. An
  /// error if this is no such database, is damaged, or is being written all the time.
  [[nodiscard]] Result<Found> find(const Path& path, std::string_view key, std::string_view all, std::size_t limit);

 private:
  struct Meta {
    std::uint64_t root = 0, transaction = 0, pages = 0;
    std::uint32_t page_size = 0;
  };
  struct Bucket {
    std::uint64_t root = 0;
    std::string inline_page;  ///< where root is 0
  };
  struct Element {
    std::string_view key, value;
    std::uint64_t page = 0;  ///< of a branch
    bool is_bucket = false;
  };
  [[nodiscard]] Result<Meta> read_meta();
  [[nodiscard]] std::optional<Meta> meta_at(std::uint64_t offset);
  [[nodiscard]] Result<std::string> read_page(std::uint64_t number);
  [[nodiscard]] static Result<std::vector<Element>> elements_of(std::string_view page);
  [[nodiscard]] Result<std::optional<std::string>> get(const Bucket& bucket, std::string_view key, bool is_bucket);
  [[nodiscard]] Result<std::optional<Bucket>> descend(const Bucket& from, std::string_view name);
  [[nodiscard]] Result<void> all_of(const std::string& page, int depth, std::size_t limit,
                                    std::map<std::string, std::string>& values);
  [[nodiscard]] Result<Found> find_now(const Path& path, std::string_view key, std::string_view all, std::size_t limit);

  ReadAt read_;
  Meta meta_;
  std::size_t pages_read_ = 0;
};

/// Opens the database file below a directory. Nothing if there is none.
[[nodiscard]] std::optional<Bolt::Found> find_in_bolt(int directory, const std::string& file, const Bolt::Path& path,
                                                      std::string_view key, std::string_view all, std::size_t limit);

}  // namespace holdfast::container
