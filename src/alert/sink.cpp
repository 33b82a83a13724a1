#include <memory>

#include <fmt/format.h>

#include "holdfast/alert/queue.h"
#include "holdfast/base/text.h"

#include "sinks.h"

namespace holdfast::alert {

Result<std::unique_ptr<Sink>> make_sink(const std::string& spec) {
  constexpr std::string_view kFile = "file:";
  if (spec == "journald") return make_journal_sink();
  if (spec == "stderr") return make_stderr_sink();
  if (spec.starts_with(kFile) && spec.size() > kFile.size() && spec[kFile.size()] == '/') {
    return make_file_sink(spec.substr(kFile.size()));
  }
  return Error{0, fmt::format("alert sink \"{}\": not known; journald, stderr or file:/path would be right",
                              shorten(printable(spec), 256))};
}

}  // namespace holdfast::alert
