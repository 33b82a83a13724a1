#include <array>

#include <fmt/format.h>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/table.h"
#include "holdfast/cli/units.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kStatusLabelWidth = 12;

std::string line(std::string_view label, const std::string& text, const Terminal& terminal) {
  const std::string padding(kStatusLabelWidth - display_width(label), ' ');
  return fmt::format("{}{}{}\n", paint(label, Colour::bold, terminal), padding, text);
}

std::string count(const json::value& object, std::string_view key) { return human_count(number_of(object, key)); }

/// "3 missed", which is worth a colour unless it is none.
std::string bad_count(const json::value& object, std::string_view key, std::string_view what,
                      const Terminal& terminal) {
  const std::string text = fmt::format("{} {}", count(object, key), what);
  return paint(text, number_of(object, key) == 0 ? Colour::none : Colour::red, terminal);
}

std::string latency(const json::value& gate, std::string_view key) {
  const auto nanoseconds = number_of(member_of(gate, "latency_ns"), key);
  return human_latency(std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds)));
}

std::string headline(const json::value& status, const Terminal& terminal) {
  const auto exposed = list_of(status, "exposures").size();
  const std::string health =
      exposed == 0 ? paint("every container is mediated", Colour::green, terminal)
                   : paint(fmt::format("{} exposure{}", exposed, exposed == 1 ? "" : "s"), Colour::red, terminal);
  const auto uptime = std::chrono::seconds(static_cast<std::int64_t>(number_of(status, "uptime_seconds")));
  return fmt::format("holdfastd {} (pid {}), up {}: {}\n\n", text_of(status, "version"), number_of(status, "pid"),
                     human_span(uptime), health);
}

std::string summary(const json::value& status, const Terminal& terminal) {
  const auto& containers = member_of(status, "containers");
  const auto& gate = member_of(status, "gate");
  const auto& alerts = member_of(status, "alerts");
  const auto& baselines = member_of(status, "baselines");
  std::string out;
  out += line("Containers",
              fmt::format("{}: {} prevent, {} detect, {} off, {}", count(containers, "all"),
                          count(containers, "prevent"), count(containers, "detect"), count(containers, "off"),
                          bad_count(containers, "unprotected", "unprotected", terminal)),
              terminal);
  out += line("Executions",
              fmt::format("{}: {} image code, {} looked into, {} waiting", count(gate, "events"),
                          count(gate, "fast_allows"), count(gate, "slow_verdicts"), count(gate, "pending")),
              terminal);
  out += line("Latency",
              fmt::format("p50 {}, p99 {}, max {}", latency(gate, "p50"), latency(gate, "p99"), latency(gate, "max")),
              terminal);
  out += line("Deadlines",
              fmt::format("{}, {}", bad_count(gate, "deadlines_missed", "missed", terminal),
                          bad_count(gate, "overflows", "queue overflows", terminal)),
              terminal);
  const auto& net = member_of(status, "net");
  out += line(
      "Net",
      fmt::format("{} executions seen, {} unmediated, {} killed, {}", count(net, "executions"),
                  count(net, "unmediated"), count(net, "killed"), bad_count(net, "events_lost", "losses", terminal)),
      terminal);
  out +=
      line("Alerts",
           fmt::format("{} delivered, {} folded, {} waiting, {}", count(alerts, "delivered"), count(alerts, "folded"),
                       count(alerts, "waiting"), bad_count(alerts, "lost", "lost", terminal)),
           terminal);
  out += line("Baselines",
              fmt::format("{} in use, {} stored, {} being captured, {}", count(baselines, "images_live"),
                          count(baselines, "images_stored"), count(baselines, "captures_running"),
                          bad_count(baselines, "captures_failed", "failed", terminal)),
              terminal);
  if (const auto storage = text_of(status, "storage"); !storage.empty() && storage != "ok") {
    out += line("Storage", paint(storage, Colour::red, terminal), terminal);
  }
  return out;
}

/// Only reasons that have occurred.
std::string verdicts(const json::value& status, const Terminal& terminal) {
  Table table({{"DRIFT"},
               {"DENIED", Table::Align::right},
               {"KILLED", Table::Align::right},
               {"ALERTED", Table::Align::right},
               {"ALLOWED", Table::Align::right}});
  const json::object* reasons = member_of(status, "verdicts").if_object();
  if (reasons == nullptr) return {};
  for (const auto& reason : *reasons) {
    const json::value& counts = reason.value();
    const auto denied = number_of(counts, "denied");
    const auto alerted = number_of(counts, "alerted");
    const auto killed = number_of(counts, "killed");
    if (denied + killed + alerted + number_of(counts, "allowed") == 0) continue;
    table.add({{control::readable({reason.key().data(), reason.key().size()})},
               {human_count(denied), denied > 0 ? Colour::red : Colour::none},
               {human_count(killed), killed > 0 ? Colour::red : Colour::none},
               {human_count(alerted), alerted > 0 ? Colour::yellow : Colour::none},
               {count(counts, "allowed")}});
  }
  return table.empty() ? std::string() : '\n' + table.render(terminal);
}

std::string exposures(const json::value& status, const Terminal& terminal) {
  Table table({{"EXPOSED"}, {"FROM"}, {"UNTIL"}, {"WHY", Table::Align::left, true}});
  for (const auto& span : list_of(status, "exposures")) {
    const bool open = text_of(span, "until").empty();
    table.add({{container_label(member_of(span, "container")), Colour::red},
               {time_of(span, "from")},
               {open ? "now" : time_of(span, "until"), open ? Colour::red : Colour::none},
               {text_of(span, "why")}});
  }
  return table.empty() ? std::string() : '\n' + table.render(terminal);
}

std::string asked_by(const json::value& one) {
  if (member_of(one, "login_uid").is_null()) return fmt::format("uid {}", number_of(one, "uid"));
  return fmt::format("uid {}", number_of(one, "login_uid"));
}

std::string overrides(const json::value& status, const Terminal& terminal) {
  Table table(
      {{"OVERRIDE", Table::Align::left, true}, {"MODE"}, {"UNTIL"}, {"BY"}, {"REASON", Table::Align::left, true}});
  for (const auto& one : list_of(status, "overrides")) {
    table.add({{container_label(member_of(one, "container"))},
               {text_of(one, "mode"), Colour::yellow},
               {time_of(one, "until")},
               {asked_by(one)},
               {text_of(one, "reason")}});
  }
  return table.empty() ? std::string() : '\n' + table.render(terminal);
}

std::string features(const json::value& status, const Terminal& terminal) {
  std::string out;
  for (const auto& feature : list_of(status, "kernel_features")) {
    const bool present = flag_of(feature, "present");
    std::string text = text_of(feature, "name");
    if (!present) text += fmt::format(": {}", text_of(feature, "consequence"));
    out += fmt::format("  {}{}\n",
                       paint(present ? "yes      " : "missing  ", present ? Colour::green : Colour::yellow, terminal),
                       text);
  }
  return out.empty() ? out : fmt::format("\n{}\n{}", paint("Kernel", Colour::bold, terminal), out);
}

Status run_status(const Invocation& invocation) {
  const Reply reply = ask(invocation, "status");
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
  } else {
    const Terminal& out = invocation.out;
    print(headline(reply.value, out) + summary(reply.value, out) + verdicts(reply.value, out) +
          exposures(reply.value, out) + overrides(reply.value, out) + features(reply.value, out));
  }
  return list_of(reply.value, "exposures").empty() ? Status::fine : Status::finding;
}

}  // namespace

Command status_command() {
  return {.name = "status",
          .synopsis = "",
          .summary = "health of the service, and what it could not guarantee",
          .details =
              "Shows containers by mode, the gate's latency, verdicts by reason, alerts, baselines, "
              "exposures (times in which mediation of a running container could not be guaranteed, and "
              "why), overrides of containers' modes, and which kernel features were found. Exit status 1 if there is "
              "an exposure.",
          .options = {},
          .words = {},
          .run = run_status};
}

}  // namespace holdfast::cli
