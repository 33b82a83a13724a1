#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "holdfast/alert/read.h"
#include "holdfast/cli/command.h"

namespace holdfast::cli {

/// What became of the lines or entries that were read.
struct SourceCounts {
  std::uint64_t drift = 0;
  std::uint64_t other = 0;    ///< alerts of other kinds
  std::uint64_t foreign = 0;  ///< journal entries that are no alert of the service
  std::uint64_t halves = 0;   ///< of alerts, see AlertLines: left out
};

/// Is given each alert of drift; an error ends the reading.
using TakeRecord = std::function<Result<void>(const alert::Record&)>;

/// Lines of a `file:` sink or of `journalctl -o json`; "-" is standard input. An error names file and line.
[[nodiscard]] Result<SourceCounts> read_alert_file(const std::string& file, const TakeRecord& take);

/// The same from the journal.
[[nodiscard]] Result<SourceCounts> read_alert_journal(const std::optional<std::string>& directory,
                                                      const std::optional<Wall::time_point>& since,
                                                      const TakeRecord& take);

/// The sentence part about what was not looked at; empty if there is none.
[[nodiscard]] std::string skipped_text(const SourceCounts& counts);

}  // namespace holdfast::cli
