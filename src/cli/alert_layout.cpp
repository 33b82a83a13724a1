#include "holdfast/cli/alert_layout.h"

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/time_spec.h"
#include "holdfast/cli/units.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kIndent = "    ";
constexpr std::size_t kLabelWidth = 12;
constexpr std::size_t kNarrowest = 30;  ///< columns: below, the terminal breaks lines itself

struct Outcome {
  std::string_view word;
  Colour colour;
};

Outcome outcome_of(const json::value& alert) {
  const std::string verdict = text_of(alert, "verdict");
  if (verdict == "deny") return {"DENIED", Colour::red};
  if (verdict == "killed") return {"KILLED", Colour::red};
  if (verdict == "allow") return {"RAN", Colour::yellow};
  const std::string kind = text_of(alert, "kind");
  if (kind == "exposure") return {"EXPOSED", Colour::yellow};
  if (kind == "override") return {"OVERRIDE", Colour::bold};
  return {"SERVICE", Colour::bold};
}

std::string place_of(const json::value& alert) {
  const json::value& container = member_of(alert, "container");
  if (container.is_null()) return {};
  const std::string image = text_of(container, "image");
  std::string place = container_label(container);
  if (!image.empty()) place += fmt::format(" ({})", image);
  const std::string pod = text_of(container, "pod");
  if (!pod.empty()) place += fmt::format(", pod {}/{}", text_of(container, "namespace"), pod);
  return place;
}

std::string span_between(Wall::time_point from, Wall::time_point to) {
  return human_span(std::chrono::floor<std::chrono::seconds>(std::max(to - from, Wall::duration{})));
}

/// "/bin/sh (pid 4121, user 0): sh -c /tmp/x"
std::string describe_process(const json::value& process, const std::string& when) {
  std::string text = text_of(process, "exe");
  if (text.empty()) text = "a program";
  std::string facts;
  if (const auto pid = number_of(process, "pid"); pid != 0) facts = fmt::format("pid {}", pid);
  if (!member_of(process, "uid").is_null()) {
    facts += fmt::format("{}user {}", facts.empty() ? "" : ", ", number_of(process, "uid"));
  }
  if (!facts.empty()) text += fmt::format(" ({})", facts);
  text += when;
  if (const std::string command = text_of(process, "cmdline"); !command.empty()) text += ": " + command;
  return text;
}

std::string describe_writer(const json::value& writer, Wall::time_point time) {
  std::string when;
  if (const std::string manager = text_of(writer, "package_manager"); !manager.empty()) when += " for " + manager;
  if (const auto written = parse_rfc3339(text_of(writer, "time")))
    when += " " + span_between(*written, time) + " before";
  return describe_process(writer, when);
}

std::string writer_label(const json::value& writer) {
  const std::string how = text_of(writer, "how");
  if (how == "linked" || how == "renamed") return how + " by";
  return how == "made executable" ? "chmod by" : "written by";
}

}  // namespace

std::string AlertLayout::line(std::string_view label, const std::string& text, Colour colour) const {
  const std::size_t width = std::max(terminal_.columns, kNarrowest) - kIndent.size() - kLabelWidth;
  const std::string padding(kLabelWidth - std::min(kLabelWidth, display_width(label)), ' ');
  return fmt::format("{}{}{}{}\n", kIndent, paint(label, Colour::dim, terminal_), padding,
                     paint(fit(text, width), colour, terminal_));
}

/// In one line, or in two or three where that is too long.
std::string AlertLayout::headline(const json::value& alert, Wall::time_point time, Wall::time_point now) const {
  const auto [word, colour] = outcome_of(alert);
  const std::string when = local_time(time);
  const std::string reason = text_of(alert, "reason");
  const std::string place = place_of(alert);
  const std::string rest =
      fmt::format("{}{}{} ago", place.empty() ? "" : "in ", place.empty() ? "" : place + ", ", span_between(time, now));
  const std::size_t width = std::max(terminal_.columns, kNarrowest);
  const std::size_t taken = display_width(when) + 2 + display_width(word) + 1 + display_width(reason);
  const std::string head = fmt::format("{}{}{} {}", paint(when, Colour::dim, terminal_),
                                       taken <= width ? "  " : fmt::format("\n{}", kIndent),
                                       paint(word, colour, terminal_), paint(reason, Colour::bold, terminal_));
  if (taken + 1 + display_width(rest) <= width) return fmt::format("{} {}\n", head, rest);
  return fmt::format("{}\n{}{}\n", head, kIndent, fit(rest, width - kIndent.size()));
}

std::string AlertLayout::drift(const json::value& alert, Wall::time_point time) const {
  const json::value& file = member_of(alert, "file");
  const std::string path = text_of(file, "path");
  std::string out =
      fmt::format("{}{}\n", kIndent, paint(path.empty() ? "a file without a name" : path, Colour::bold, terminal_));
  if (const std::string mount = text_of(file, "mount"); !mount.empty()) out += line("on", mount);
  if (const json::value& process = member_of(alert, "process"); !process.is_null()) {
    out += line(text_of(alert, "verdict") == "deny" ? "tried by" : "run by", describe_process(process, ""));
  }
  for (const char* const key : {"writer", "made_executable"}) {
    const json::value& writer = member_of(alert, key);
    if (!writer.is_null()) out += line(writer_label(writer), describe_writer(writer, time));
  }
  if (const std::string rule = text_of(alert, "rule"); !rule.empty()) out += line("rule", rule);
  if (const auto repeats = number_of(alert, "repeats"); repeats != 0) {
    out += line("repeated", human_count(repeats) + (repeats == 1 ? " time" : " times"));
  }
  return out;
}

std::string AlertLayout::advice(const json::value& alert) {
  const json::value& advice = member_of(alert, "advice");
  if (advice.is_null() || !advised_.insert(text_of(alert, "kind") + ' ' + text_of(alert, "reason")).second) return {};
  std::string out;
  const std::string indent(kIndent.size() + kLabelWidth, ' ');
  for (const auto& [label, key] : {std::pair{"means", "meaning"}, {"check", "check"}, {"then", "action"}}) {
    std::string text = wrap(text_of(advice, key), std::max(terminal_.columns, kNarrowest), indent);
    text.replace(0, indent.size(), fmt::format("{}{:<{}}", kIndent, label, kLabelWidth));
    out += paint(text, Colour::dim, terminal_) + '\n';
  }
  return out;
}

std::string AlertLayout::render(const json::value& alert, Wall::time_point time, Wall::time_point now) {
  std::string out = headline(alert, time, now);
  if (text_of(alert, "kind") == "drift") {
    out += drift(alert, time);
  } else {
    out += wrap(text_of(alert, "message"), std::max(terminal_.columns, kNarrowest), kIndent) + '\n';
  }
  return out + advice(alert);
}

}  // namespace holdfast::cli
