#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "handlers.h"
#include "metric_families.h"

namespace holdfast::daemon {

MetricFamily counter(std::string name, std::string help, double value) {
  return {std::move(name), MetricFamily::Type::counter, "", std::move(help), {{"_total", {}, value}}};
}

MetricFamily gauge(std::string name, std::string help, double value) {
  return {std::move(name), MetricFamily::Type::gauge, "", std::move(help), {{"", {}, value}}};
}

namespace {

using Type = MetricFamily::Type;

void add_containers(std::vector<MetricFamily>& families, const ServiceContext& context) {
  std::array<std::uint64_t, 3> by_mode{};
  std::uint64_t exposed = 0;
  std::uint64_t going_on = 0;
  std::uint64_t over = 0;
  const auto count_spans = [&](const auto& container) {
    const auto spans = container.exposures();
    const auto now =
        static_cast<std::uint64_t>(std::ranges::count_if(spans, [](const auto& span) { return span.goes_on(); }));
    going_on += now;
    over += spans.size() - now;
    if (now > 0) ++exposed;
  };
  for (const auto& container : context.registry.all()) {
    ++by_mode.at(static_cast<std::size_t>(container->mode()));
    if (container->mode() != policy::Mode::off) count_spans(*container);
  }
  MetricFamily family{"holdfast_containers", Type::gauge, "", "Containers known now, by mode.", {}};
  for (const auto mode : {policy::Mode::off, policy::Mode::detect, policy::Mode::prevent}) {
    family.samples.push_back(
        {"", {{"mode", std::string(to_string(mode))}}, value_of(by_mode.at(static_cast<std::size_t>(mode)))});
  }
  families.push_back(std::move(family));
  families.push_back(
      gauge("holdfast_containers_exposed", "Containers that are not mediated completely now.", value_of(exposed)));
  families.push_back({"holdfast_exposures",
                      Type::gauge,
                      "",
                      "Times of the present containers in which mediation was not guaranteed: going on, or over.",
                      {{"", {{"state", "open"}}, value_of(going_on)}, {"", {{"state", "over"}}, value_of(over)}}});
  families.push_back(gauge("holdfast_containers_unprotected", "Containers that cannot be protected at all.",
                           value_of(context.unprotected.all().size())));
}

MetricFamily overrides_by_mode(const Overriding& overriding) {
  std::array<std::uint64_t, 3> by_mode{};
  for (const auto& one : overriding.all()) ++by_mode.at(static_cast<std::size_t>(one->mode));
  MetricFamily family{"holdfast_overrides", Type::gauge, "", "Overrides of containers' modes in force, by mode.", {}};
  for (const auto mode : {policy::Mode::off, policy::Mode::detect, policy::Mode::prevent}) {
    family.samples.push_back(
        {"", {{"mode", std::string(to_string(mode))}}, value_of(by_mode.at(static_cast<std::size_t>(mode)))});
  }
  return family;
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
  if (const auto known = request.only({"format"}); !known) return bad_input(known.error());
  const auto format = request.text("format");
  if (!format) return bad_input(format.error());
  const std::string wanted = format->value_or("openmetrics");
  if (wanted != "openmetrics" && wanted != "prometheus") {
    return bad_input({0, fmt::format("'{}' is not a format of metrics; openmetrics or prometheus would be right",
                                     shorten(printable(wanted), 64))});
  }
  std::vector<MetricFamily> families;
  families.push_back({"holdfast_build", Type::info, "", "What runs.", {{"_info", {{"version", HOLDFAST_VERSION}}, 1}}});
  families.push_back({"holdfast_start_time_seconds",
                      Type::gauge,
                      "seconds",
                      "When the service started, since the epoch.",
                      {{"", {}, seconds(context.started.time_since_epoch())}}});
  add_gate_metrics(families, context.counters);
  add_containers(families, context);
  families.push_back(overrides_by_mode(*context.overriding));
  add_baselines(families, context.catalog.counters());
  add_alerts(families, context.alerts.counters());
  return boost::json::object{{"text", wanted == "prometheus" ? to_prometheus(families) : to_openmetrics(families)},
                             {"families", to_json(families)}};
}

}  // namespace holdfast::daemon
