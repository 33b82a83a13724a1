#include <boost/json/object.hpp>

#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

Status run_metrics(const Invocation& invocation) {
  json::object arguments;
  if (const auto format = invocation.arguments.value("format")) arguments["format"] = argument(*format);
  const Reply reply = ask(invocation, "metrics", std::move(arguments));
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(json::object{{"families", member_of(reply.value, "families")}});
    return Status::fine;
  }
  // Line by line: readable() would take the ends of lines for what they might hide.
  const json::string* text = member_of(reply.value, "text").if_string();
  if (text == nullptr) {
    complain("the service's answer holds no metrics");
    return Status::unreachable;
  }
  std::string_view rest(text->data(), text->size());
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    print(control::readable(rest.substr(0, end)) + '\n');
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return Status::fine;
}

}  // namespace

Command metrics_command() {
  return {.name = "metrics",
          .synopsis = "[--format openmetrics|prometheus]",
          .summary = "counters and latencies as OpenMetrics text",
          .details =
              "Prints the service's metrics in the OpenMetrics text format: verdicts by reason and mode, the gate's "
              "latency, deadlines, containers by mode, exposure, baselines, alerts. With --format prometheus in "
              "Prometheus' older text format, which node_exporter's textfile collector reads.",
          .options = {{"format", 0, "FORMAT", "openmetrics (the default) or prometheus"}},
          .words = {},
          .run = run_metrics};
}

}  // namespace holdfast::cli
