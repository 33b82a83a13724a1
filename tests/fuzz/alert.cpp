// Lines become the strings of an alert.

#include <boost/json/parse.hpp>

#include "holdfast/alert/format.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const auto next = [&rest] { return std::string(fuzz::take_part(rest, '\n')); };
  alert::Alert alert;
  alert.verdict = next();
  alert.reason = next();
  alert.container = alert::ContainerInfo{next(), next(), next(), next(), next(), next(), next()};
  alert.file = alert::FileInfo();
  alert.file->path = next();
  alert.process = alert::ProcessInfo();
  alert.process->pid = 1;
  alert.process->exe = next();
  while (!rest.empty()) alert.process->cmdline.push_back(next());
  alert.ancestors.push_back(*alert.process);
  alert.writer = alert::WriterInfo();
  alert.writer->exe = alert.process->exe;
  alert.writer->cmdline = alert.process->cmdline;
  alert.writer->ancestors = alert.ancestors;
  const std::string json = alert::to_json(alert);
  fuzz::require(json.find('\n') == std::string::npos);
  const boost::json::value parsed = boost::json::parse(json);  // throws if it is not JSON in valid UTF-8
  const auto journal = alert::to_journal(alert);
  fuzz::require(parsed.at("message").as_string() == journal.front().second);
  for (const auto& [name, value] : journal) fuzz::require(value.find('\n') == std::string::npos);
  return 0;
}
