#include "alert_source.h"

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/cli/journal.h"
#include "holdfast/cli/units.h"

#include "alert_lines.h"

namespace holdfast::cli {
namespace {

Result<void> take_one(const std::optional<alert::Record>& record, const TakeRecord& take, SourceCounts& counts) {
  if (!record) {
    ++counts.foreign;
  } else if (record->alert.kind != alert::Kind::drift) {
    ++counts.other;
  } else {
    ++counts.drift;
    return take(*record);
  }
  return {};
}

}  // namespace

Result<SourceCounts> read_alert_file(const std::string& file, const TakeRecord& take) {
  auto lines = AlertLines::open(file);
  if (!lines) return lines.error();
  SourceCounts counts;
  std::string line;
  while (true) {
    const auto more = lines->next(line);
    if (!more) return more.error();
    if (!*more) break;
    const auto record = alert::read_record(line);
    if (!record && lines->leave_out_half(line)) continue;
    if (!record) return lines->where(record.error());
    if (auto taken = take_one(*record, take, counts); !taken) return lines->where(taken.error());
  }
  counts.halves = lines->halves();
  return counts;
}

Result<SourceCounts> read_alert_journal(const std::optional<std::string>& directory,
                                        const std::optional<Wall::time_point>& since, const TakeRecord& take) {
  auto journal = Journal::open(directory);
  if (!journal) return journal.error();
  if (auto sought = journal->seek_since(since.value_or(Wall::time_point{})); !sought) return sought.error();
  SourceCounts counts;
  while (true) {
    const auto entry = journal->next();
    if (!entry) return entry.error();
    if (!*entry) return counts;
    const auto where = [&](const Error& error) {
      return Error{error.code, fmt::format("journal entry of {}: {}", rfc3339((**entry).time), error.message)};
    };
    const auto record = alert::read_record((**entry).fields, (**entry).time);
    if (!record) return where(record.error());
    if (auto taken = take_one(*record, take, counts); !taken) return where(taken.error());
  }
}

std::string skipped_text(const SourceCounts& counts) {
  std::string out;
  if (counts.other > 0) out = fmt::format("{} alerts of other kinds than drift", human_count(counts.other));
  if (counts.foreign > 0) {
    out += fmt::format("{}{} journal entries that are no alerts of the service", out.empty() ? "" : " and ",
                       human_count(counts.foreign));
  }
  return out;
}

}  // namespace holdfast::cli
