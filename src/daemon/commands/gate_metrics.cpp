#include <utility>

#include <fmt/format.h>

#include "holdfast/policy/policy.h"
#include "holdfast/policy/reason.h"

#include "metric_families.h"

namespace holdfast::daemon {
namespace {

using Type = MetricFamily::Type;

/// Every reason and verdict from the beginning on, so that the first one is a growth that collectors see. Nothing is
/// judged in containers whose mode is off, nor denied in detect mode.
MetricFamily verdicts(const gate::Counters& counters) {
  using policy::Mode;
  MetricFamily family{"holdfast_verdicts", Type::counter, "", "Verdicts on drift, by reason, mode and verdict.", {}};
  for (const policy::Reason reason : policy::kReasons) {
    const auto add = [&](const char* verdict, Mode mode, const gate::VerdictCounts& counts) {
      family.samples.push_back(
          {"_total",
           {{"reason", std::string(to_string(reason))}, {"mode", std::string(to_string(mode))}, {"verdict", verdict}},
           value_of(counts.of(reason, mode))});
    };
    add("deny", Mode::prevent, counters.denied);
    add("kill", Mode::prevent, counters.killed);
    for (const Mode mode : {Mode::detect, Mode::prevent}) {
      add("alert", mode, counters.alerted);
      add("allow", mode, counters.allowed);
    }
  }
  return family;
}

/// Powers of two of nanoseconds, which are bounds of the histogram's own buckets, too: about 1 µs to 17 s. Always the
/// same, so that a collector can compare one reading with the next.
constexpr unsigned kFirstBound = 10;
constexpr unsigned kLastBound = 34;

MetricFamily latency(const gate::LatencyHistogram& histogram) {
  MetricFamily family{"holdfast_gate_latency_seconds",
                      Type::histogram,
                      "seconds",
                      "Time from an event's arrival in user space to its answer.",
                      {}};
  // Read once and added up here: recording goes on meanwhile, and the parts must not be more than the whole.
  const auto buckets = histogram.buckets();
  std::uint64_t below = 0;
  auto bucket = buckets.begin();
  for (unsigned power = kFirstBound; power <= kLastBound; ++power) {
    const std::chrono::nanoseconds bound(std::int64_t{1} << power);
    for (; bucket != buckets.end() && bucket->first <= bound; ++bucket) below += bucket->second;
    family.samples.push_back({"_bucket", {{"le", fmt::format("{:.9g}", seconds(bound))}}, value_of(below)});
  }
  for (; bucket != buckets.end(); ++bucket) below += bucket->second;
  family.samples.push_back({"_bucket", {{"le", "+Inf"}}, value_of(below)});
  family.samples.push_back({"_count", {}, value_of(below)});
  family.samples.push_back({"_sum", {}, seconds(histogram.sum())});
  return family;
}

void add_gate(std::vector<MetricFamily>& families, const gate::Counters& counters) {
  families.push_back(counter("holdfast_events", "Events read from the kernel.", value_of(counters.events)));
  families.push_back(counter("holdfast_fast_allows", "Executions answered at once: the image's own code.",
                             value_of(counters.fast_allows)));
  families.push_back(
      counter("holdfast_slow_verdicts", "Executions that had to be looked into.", value_of(counters.slow_verdicts)));
  families.push_back(verdicts(counters));
  families.push_back(latency(counters.latency));
  families.push_back(
      gauge("holdfast_gate_pending", "Executions that wait for their answer.", value_of(counters.pending)));
  families.push_back(counter("holdfast_deadlines_missed", "Executions answered by the deadline.",
                             value_of(counters.deadlines_missed)));
  families.push_back(counter("holdfast_barriers", "Container runtimes held until their container was marked.",
                             value_of(counters.barriers)));
  families.push_back(
      counter("holdfast_overflows", "Overflows of the kernel's event queue.", value_of(counters.overflows)));
  families.push_back(counter("holdfast_kernel_denied", "Executions that the kernel denied without asking.",
                             value_of(counters.kernel_denied)));
  families.push_back(counter("holdfast_notifications_lost", "Detect-mode events given up under load.",
                             value_of(counters.notifications_lost)));
  families.push_back(counter("holdfast_unknown_device", "Events from a device that belongs to no known container.",
                             value_of(counters.unknown_device)));
}

void add_net(std::vector<MetricFamily>& families, const gate::Counters& counters) {
  families.push_back(counter("holdfast_net_executions", "Executions on the host that the net has looked at.",
                             value_of(counters.net_executions)));
  families.push_back(counter("holdfast_net_unmediated",
                             "Executions in containers that the gate was not asked for, found and reported.",
                             value_of(counters.net_unmediated)));
  families.push_back(counter("holdfast_net_killed", "Processes killed after the fact.", value_of(counters.net_killed)));
  families.push_back(counter("holdfast_net_losses", "Times that the kernel dropped process events.",
                             value_of(counters.process_events_lost)));
}

void add_writers(std::vector<MetricFamily>& families, const gate::Counters& counters) {
  families.push_back(counter("holdfast_writer_events", "Changes of files in containers whose writer was noted.",
                             value_of(counters.writer_events)));
  families.push_back(counter("holdfast_writer_losses", "Times that changes of files came too fast to be noted.",
                             value_of(counters.writer_events_lost)));
}

}  // namespace

void add_gate_metrics(std::vector<MetricFamily>& families, const gate::Counters& counters) {
  add_gate(families, counters);
  add_writers(families, counters);
  add_net(families, counters);
}

}  // namespace holdfast::daemon
