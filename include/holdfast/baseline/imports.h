#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/baseline/image_listing.h"

namespace holdfast::baseline {

/// One image that was imported.
struct Imported {
  std::string id;        ///< here; depends on everything that was imported of it
  ImageListing listing;  ///< its files only from `find`
  std::uint64_t files = 0, bytes = 0;
  std::int64_t when = 0;  ///< seconds since the epoch
  bool is_new = true;     ///< of `add`: false if it was here already
};

/// Baselines that came from a file. They are in a database of their own:
/// nothing that looks for a container's baseline, or for what may run, ever
/// finds one, whatever the file says of its id, names and digests. Any thread;
/// each call opens the database, and makes it only if there is something to put
/// into it.
class Imports {
 public:
  explicit Imports(std::string database) : path_(std::move(database)) {}

  /// All or nothing.
  [[nodiscard]] Result<std::vector<Imported>> add(const std::vector<ImageListing>& listings, std::int64_t now) const;
  /// Newest first.
  [[nodiscard]] Result<std::vector<Imported>> list() const;
  /// By (the start of) an id, a reference or a digest; the error says if none
  /// or several fit.
  [[nodiscard]] Result<Imported> find(std::string_view text) const;
  /// Forgets what was imported before that time; returns how many.
  [[nodiscard]] Result<std::uint64_t> remove(std::int64_t before) const;

 private:
  const std::string path_;
};

}  // namespace holdfast::baseline
