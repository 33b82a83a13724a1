#include "reread.h"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/units.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

std::string hash_change(const json::value& difference) {
  const std::string before = text_of(difference, "before");
  const std::string after = text_of(difference, "after");
  if (before.empty() && after.empty()) return {};
  if (before.empty()) return fmt::format("  ({})", short_id(after));
  if (after.empty()) return fmt::format("  ({})", short_id(before));
  return fmt::format("  ({} -> {})", short_id(before), short_id(after));
}

std::string difference_line(const json::value& difference, const Terminal& terminal) {
  const std::string image = short_id(text_of(difference, "image"));
  const std::string what = text_of(difference, "what");
  if (what == "unreadable") {
    return fmt::format("{}  {}: {}\n", image, paint("not read", Colour::yellow, terminal), text_of(difference, "why"));
  }
  return fmt::format("{}  {}{:{}}  {}{}\n", image, paint(what, Colour::red, terminal), "",
                     what.size() < 7 ? 7 - what.size() : 0, text_of(difference, "path"), hash_change(difference));
}

std::string summary_line(const json::value& summary) {
  const auto plural = [](std::uint64_t count) { return count == 1 ? "" : "s"; };
  const auto images = number_of(summary, "images");
  const auto differences = number_of(summary, "differences");
  const auto failures = number_of(summary, "failures");
  std::string out = fmt::format("{} image{} read, {} difference{}", images, plural(images), human_count(differences),
                                plural(differences));
  if (failures > 0) out += fmt::format(", {} image{} could not be read", failures, plural(failures));
  return out + '\n';
}

}  // namespace

Status reread(const Invocation& invocation, std::string_view command, json::object arguments) {
  ProgressBar bar(invocation.err);
  const auto on_message = [&](control::Message::Kind kind, const json::value& value) {
    if (kind == control::Message::Kind::progress) {
      bar.show(short_id(text_of(value, "image")), number_of(value, "done"), number_of(value, "all"));
      return;
    }
    bar.clear();
    if (invocation.json) {
      print_json(value);
    } else {
      print(difference_line(value, invocation.out));
    }
  };
  const Reply reply = ask(invocation, command, std::move(arguments), on_message, std::nullopt);
  bar.clear();
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(json::object{{"summary", reply.value}});
  } else {
    print(summary_line(reply.value));
  }
  const bool equal = number_of(reply.value, "differences") == 0 && number_of(reply.value, "failures") == 0;
  return equal ? Status::fine : Status::finding;
}

}  // namespace holdfast::cli
