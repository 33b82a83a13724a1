#include <sys/uio.h>
#include <unistd.h>

#include <string>
#include <vector>

// CODE_FILE and CODE_LINE would name this file in every alert.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include "holdfast/alert/format.h"

#include "sinks.h"

namespace holdfast::alert {
namespace {

class JournalSink final : public Sink {
 public:
  bool write(const Alert& alert) override {
    // sd_journal_sendv() calls it a success when nobody is there to take the entry.
    if (::access("/run/systemd/journal/socket", F_OK) != 0) return false;
    std::vector<std::string> lines;
    for (const auto& [name, value] : to_journal(alert)) lines.push_back(fmt::format("{}={}", name, value));
    std::vector<iovec> vectors;
    vectors.reserve(lines.size());
    for (std::string& line : lines) vectors.push_back({line.data(), line.size()});
    return ::sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size())) == 0;
  }

  [[nodiscard]] std::string name() const override { return "journald"; }
};

}  // namespace

std::unique_ptr<Sink> make_journal_sink() { return std::make_unique<JournalSink>(); }

}  // namespace holdfast::alert
