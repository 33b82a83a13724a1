#include "alert_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/cli/journal.h"
#include "holdfast/cli/units.h"

namespace holdfast::cli {
namespace {

/// Splits what it reads into lines of bounded size.
class LineReader {
 public:
  LineReader(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  /// False at the end. A last line without a newline is a line, too.
  Result<bool> next(std::string& line) {
    line.clear();
    ++number_;
    while (true) {
      if (begin_ == end_) {
        auto filled = fill();
        if (!filled) return filled.error();
        if (!*filled) return !line.empty();
      }
      const std::string_view rest(block_.data() + begin_, end_ - begin_);
      const std::size_t newline = rest.find('\n');
      line.append(rest.substr(0, newline));
      if (line.size() > alert::kMaxRecord) {
        return where({0, fmt::format("the line is longer than {} bytes", alert::kMaxRecord)});
      }
      begin_ += newline == std::string_view::npos ? rest.size() : newline + 1;
      if (newline != std::string_view::npos) return true;
    }
  }
  [[nodiscard]] Error where(const Error& error) const {
    return {error.code, fmt::format("{}:{}: {}", printable(name_), number_, error.message)};
  }

 private:
  Result<bool> fill() {
    while (true) {
      const ssize_t got = ::read(fd_, block_.data(), block_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error(printable(name_));
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
      return got > 0;
    }
  }

  const int fd_;
  const std::string name_;
  std::uint64_t number_ = 0;
  std::array<char, 65536> block_{};
  std::size_t begin_ = 0, end_ = 0;
};

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
  UniqueFd own;
  if (file != "-") {
    own.reset(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!own) return errno_error(printable(file));
  }
  LineReader reader(own ? own.get() : STDIN_FILENO, own ? file : "standard input");
  SourceCounts counts;
  std::string line;
  while (true) {
    const auto more = reader.next(line);
    if (!more) return more.error();
    if (!*more) return counts;
    if (line.empty()) continue;
    const auto record = alert::read_record(line);
    if (!record) return reader.where(record.error());
    if (auto taken = take_one(*record, take, counts); !taken) return reader.where(taken.error());
  }
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
