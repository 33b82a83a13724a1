#include <memory>

#include <fmt/format.h>

#include "holdfast/alert/queue.h"
#include "holdfast/base/text.h"

#include "sinks.h"

namespace holdfast::alert {

namespace {

/// The path of "file:/path"; empty if it is none.
std::string file_of(const std::string& spec) {
  constexpr std::string_view kFile = "file:";
  return spec.starts_with(kFile) && spec.substr(kFile.size()).starts_with('/') ? spec.substr(kFile.size()) : "";
}

Error unknown(const std::string& spec) {
  return {0, fmt::format("alert sink \"{}\": not known; journald, stderr or file:/path would be right",
                         shorten(printable(spec), 256))};
}

}  // namespace

Result<void> check_sink(const std::string& spec) {
  if (spec == "journald" || spec == "stderr") return {};
  const std::string file = file_of(spec);
  return file.empty() ? Result<void>(unknown(spec)) : check_file_sink(file);
}

Result<std::unique_ptr<Sink>> make_sink(const std::string& spec) {
  if (spec == "journald") return make_journal_sink();
  if (spec == "stderr") return make_stderr_sink();
  const std::string file = file_of(spec);
  if (file.empty()) return unknown(spec);
  return make_file_sink(file);
}

}  // namespace holdfast::alert
