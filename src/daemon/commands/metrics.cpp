#include <array>
#include <atomic>
#include <chrono>

#include <fmt/format.h>

#include "handlers.h"
#include "openmetrics.h"

namespace holdfast::daemon {
namespace {

using Type = MetricFamily::Type;
using Sample = MetricFamily::Sample;

double value_of(const std::atomic<std::uint64_t>& counter) { return static_cast<double>(counter.load()); }
double value_of(std::uint64_t counter) { return static_cast<double>(counter); }
double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

MetricFamily counter(std::string name, std::string help, double value) {
  return {std::move(name), Type::counter, "", std::move(help), {{"_total", {}, value}}};
}

MetricFamily gauge(std::string name, std::string help, double value) {
  return {std::move(name), Type::gauge, "", std::move(help), {{"", {}, value}}};
}

MetricFamily verdicts(const gate::Counters& counters) {
  MetricFamily family{"holdfast_verdicts", Type::counter, "", "Drift verdicts, by reason and verdict.", {}};
  for (std::size_t i = 0; i < policy::kReasons.size(); ++i) {
    const std::string reason(to_string(policy::kReasons[i]));
    const auto add = [&](const char* verdict, const std::atomic<std::uint64_t>& count) {
      family.samples.push_back({"_total", {{"reason", reason}, {"verdict", verdict}}, value_of(count)});
    };
    add("deny", counters.denied[i]);
    add("alert", counters.alerted[i]);
    add("allow", counters.allowed[i]);
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

MetricFamily containers_by_mode(const container::Registry& registry) {
  std::array<std::uint64_t, 3> by_mode{};
  for (const auto& container : registry.all()) ++by_mode.at(static_cast<std::size_t>(container->mode()));
  MetricFamily family{"holdfast_containers", Type::gauge, "", "Containers known now, by mode.", {}};
  for (const auto mode : {policy::Mode::off, policy::Mode::detect, policy::Mode::prevent}) {
    family.samples.push_back(
        {"", {{"mode", std::string(to_string(mode))}}, value_of(by_mode.at(static_cast<std::size_t>(mode)))});
  }
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

void add_baselines(std::vector<MetricFamily>& families, const baseline::CatalogCounters& counters) {
  families.push_back(
      gauge("holdfast_baselines_live", "Images whose baseline is in use.", value_of(counters.images_live)));
  families.push_back(
      gauge("holdfast_baselines_stored", "Images with a stored baseline.", value_of(counters.images_stored)));
  families.push_back(
      gauge("holdfast_captures_running", "Baselines being captured.", value_of(counters.captures_running)));
  families.push_back({"holdfast_captures",
                      Type::counter,
                      "",
                      "Captures that have ended, by result.",
                      {{"_total", {{"result", "done"}}, value_of(counters.captures_done)},
                       {"_total", {{"result", "failed"}}, value_of(counters.captures_failed)}}});
  families.push_back(counter("holdfast_hashed_files", "Image files hashed.", value_of(counters.files_hashed)));
  families.push_back({"holdfast_hashed_bytes",
                      Type::counter,
                      "bytes",
                      "Bytes of image files hashed.",
                      {{"_total", {}, value_of(counters.bytes_hashed)}}});
  families.push_back(
      counter("holdfast_hash_cache_hits", "Image files whose hash was known already.", value_of(counters.cache_hits)));
}

void add_alerts(std::vector<MetricFamily>& families, const alert::QueueCounters& counters) {
  families.push_back({"holdfast_alerts",
                      Type::counter,
                      "",
                      "Alerts, by what became of them.",
                      {{"_total", {{"fate", "delivered"}}, value_of(counters.delivered)},
                       {"_total", {{"fate", "folded"}}, value_of(counters.folded)},
                       {"_total", {{"fate", "lost"}}, value_of(counters.lost)}}});
  families.push_back(gauge("holdfast_alerts_waiting", "Alerts in the queue.", value_of(counters.waiting)));
}

}  // namespace

control::Answer metrics(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  std::vector<MetricFamily> families;
  families.push_back({"holdfast_build", Type::info, "", "What runs.", {{"_info", {{"version", HOLDFAST_VERSION}}, 1}}});
  families.push_back({"holdfast_start_time_seconds",
                      Type::gauge,
                      "seconds",
                      "When the service started, since the epoch.",
                      {{"", {}, seconds(context.started.time_since_epoch())}}});
  add_gate(families, context.counters);
  families.push_back(containers_by_mode(context.registry));
  add_baselines(families, context.catalog.counters());
  add_alerts(families, context.alerts.counters());
  return boost::json::object{{"text", to_openmetrics(families)}, {"families", to_json(families)}};
}

}  // namespace holdfast::daemon
