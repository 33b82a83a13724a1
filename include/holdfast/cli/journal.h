#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"

namespace holdfast::cli {

/// A journal entry of the service: field names and values, bounded in number and size.
struct JournalEntry {
  Wall::time_point time;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// The alert's JSON object again (interface.md): HOLDFAST_CONTAINER_ID becomes container.id, and so on.
[[nodiscard]] boost::json::object alert_object(const JournalEntry& entry);

/// Whether CONTAINER (an id, the start of one, or a name) means the alert's container.
[[nodiscard]] bool is_about(const boost::json::object& alert, std::string_view container);

/// Reads the service's alerts from the journal. Only entries whose sender was root count: anybody can write HOLDFAST_
/// fields into the journal.
class Journal {
 public:
  /// The system's journal, or the files below `directory`. EACCES if they may not be read.
  [[nodiscard]] static Result<Journal> open(const std::optional<std::string>& directory);
  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  [[nodiscard]] Result<void> seek_since(Wall::time_point since);
  /// So that next() gives the last `count` entries and those that come.
  [[nodiscard]] Result<void> seek_last(std::uint64_t count);
  /// The next entry, or nothing at the end.
  [[nodiscard]] Result<std::optional<JournalEntry>> next();
  /// Waits until something has been written.
  [[nodiscard]] Result<void> wait();

 private:
  class Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::cli
