#include <cerrno>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/time_spec.h"
#include "holdfast/verdict/suggest.h"

#include "alert_source.h"
#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

/// The container that somebody means by an id, a start of it, or a name.
class Chosen {
 public:
  explicit Chosen(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] Result<bool> is(const alert::Record& record) {
    const auto& container = record.alert.container;
    if (!container) return false;
    if (container->id == text_ || container->name == text_) return true;
    if (container->id.empty() || !container->id.starts_with(text_)) return false;
    if (prefixed_.empty()) prefixed_ = container->id;
    if (prefixed_ == container->id) return true;
    return Error{0, fmt::format("several containers' ids begin with \"{}\": give more of the id", printable(text_))};
  }

 private:
  const std::string text_;
  std::string prefixed_;
};

Status fail_input(const Error& error) {
  complain(error.message);
  return error.code == EACCES || error.code == EPERM ? Status::not_permitted : Status::bad_input;
}

Status run_suggest(const Invocation& invocation) {
  const auto& arguments = invocation.arguments;
  const std::string& container = arguments.words[0];
  std::optional<Wall::time_point> since;
  if (const auto text = arguments.value("since")) {
    const auto parsed = parse_since(*text, Wall::now());
    if (!parsed) return fail_input(parsed.error());
    since = *parsed;
  }
  Chosen chosen(container);
  verdict::Suggester suggester;
  const auto take = [&](const alert::Record& record) -> Result<void> {
    const auto meant = chosen.is(record);
    if (!meant) return meant.error();
    if (!*meant || (since && record.alert.time < *since)) return {};
    if (suggester.add(record)) return {};
    return Error{0, fmt::format("more than {} different files: no policy of exceptions would be right",
                                verdict::Suggester::kMost)};
  };
  const auto file = arguments.value("alerts");
  const auto read = file ? read_alert_file(*file, take) : read_alert_journal(arguments.value("journal"), since, take);
  if (!read) return fail_input(read.error());
  const auto suggestion = suggester.finish(container);
  if (invocation.json) {
    json::array left_out;
    for (const auto& one : suggestion.left_out) left_out.emplace_back(json::string(one));
    print_json(json::object{{"alerts", suggester.alerts()},
                            {"rules", suggestion.rules},
                            {"left_out", std::move(left_out)},
                            {"policy", suggestion.text}});
  } else {
    print(suggestion.text);
  }
  return suggestion.left_out.empty() && read->halves == 0 ? Status::fine : Status::finding;
}

}  // namespace

Command policy_suggest_command() {
  return {.name = "policy suggest",
          .synopsis = "CONTAINER [--alerts FILE|-] [--since TIME]",
          .summary = "the narrowest exceptions for what was alerted in a container",
          .details =
              "Writes [Allow] sections that would have let pass exactly what was alerted there: each path with the "
              "SHA-256 of what was seen at it, commented with how often, when and by whom. They are for you to check "
              "and to paste into a policy; nothing is applied. What no rule can be that narrow for is left out, and "
              "why; the exit status is 1 then. Alerts come from the journal, or from FILE: lines of a file: sink or "
              "of journalctl -o json.",
          .options = {{"alerts", 0, "FILE", "read alerts from there instead (-: input)"},
                      {"since", 0, "TIME", "only alerts from this moment on"},
                      {"journal", 0, "DIR", "read journal files below DIR instead"}},
          .words = {1, 1},
          .run = run_suggest};
}

}  // namespace holdfast::cli
