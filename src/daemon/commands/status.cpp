#include <unistd.h>

#include <array>

#include <boost/json/array.hpp>

#include "holdfast/base/text.h"

#include "describe.h"
#include "handlers.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

json::object gate_health(const gate::Counters& counters) {
  const auto& latency = counters.latency;
  return {{"events", counters.events.load()},
          {"fast_allows", counters.fast_allows.load()},
          {"slow_verdicts", counters.slow_verdicts.load()},
          {"pending", counters.pending.load()},
          {"barriers", counters.barriers.load()},
          {"deadlines_missed", counters.deadlines_missed.load()},
          {"overflows", counters.overflows.load()},
          {"kernel_denied", counters.kernel_denied.load()},
          {"notifications_lost", counters.notifications_lost.load()},
          {"unknown_device", counters.unknown_device.load()},
          {"latency_ns", json::object{{"count", latency.count()},
                                      {"p50", latency.quantile(0.5).count()},
                                      {"p99", latency.quantile(0.99).count()},
                                      {"max", latency.max().count()}}}};
}

json::object net_health(const gate::Counters& counters) {
  return {{"executions", counters.net_executions.load()},
          {"unmediated", counters.net_unmediated.load()},
          {"killed", counters.net_killed.load()},
          {"events_lost", counters.process_events_lost.load()}};
}

json::object writer_health(const gate::Counters& counters) {
  return {{"events", counters.writer_events.load()}, {"losses", counters.writer_events_lost.load()}};
}

json::object verdicts_by_reason(const gate::Counters& counters) {
  json::object out;
  for (const policy::Reason reason : policy::kReasons) {
    out[view(to_string(reason))] = json::object{{"denied", counters.denied.of(reason)},
                                                {"alerted", counters.alerted.of(reason)},
                                                {"allowed", counters.allowed.of(reason)},
                                                {"killed", counters.killed.of(reason)}};
  }
  return out;
}

json::object alert_health(const alert::QueueCounters& counters) {
  return {{"accepted", counters.accepted},
          {"delivered", counters.delivered},
          {"folded", counters.folded},
          {"lost", counters.lost},
          {"waiting", counters.waiting}};
}

json::object baseline_health(const baseline::CatalogCounters& counters) {
  return {{"images_live", counters.images_live},           {"images_stored", counters.images_stored},
          {"captures_running", counters.captures_running}, {"captures_done", counters.captures_done},
          {"captures_failed", counters.captures_failed},   {"files_hashed", counters.files_hashed},
          {"bytes_hashed", counters.bytes_hashed},         {"cache_hits", counters.cache_hits}};
}

json::object describe_settings(const policy::Settings& settings) {
  return {{"state_directory", printable(settings.state_directory)},
          {"runtime_directory", printable(settings.runtime_directory)},
          {"policy_directory", printable(settings.policy_directory)},
          {"deadline_ms", settings.deadline.count()},
          {"on_deadline", view(to_string(settings.on_deadline))},
          {"default_mode", view(to_string(settings.drift.mode))}};
}

struct Population {
  std::array<std::uint64_t, 3> by_mode{};  ///< off, detect, prevent
  std::uint64_t unprotected = 0;
  json::array exposures;
};

template <class Container>
void add_exposures(const Container& container, json::array& out) {
  for (auto& span : describe_exposures(container)) {
    span.as_object()["container"] = identify(container);
    out.push_back(std::move(span));
  }
}

Population count(const container::Registry& registry, const container::UnprotectedList& unprotected) {
  Population population;
  for (const auto& container : registry.all()) {
    ++population.by_mode.at(static_cast<std::size_t>(container->mode()));
    // Nobody promised anything for a container whose policy is `off`.
    if (container->mode() == policy::Mode::off) continue;
    add_exposures(*container, population.exposures);
  }
  for (const auto& container : unprotected.all()) {
    ++population.unprotected;
    add_exposures(container, population.exposures);
  }
  return population;
}

/// Those of containers that do not run now, too: they come into effect when those are started.
json::array describe_overrides(const ServiceContext& context) {
  const auto now = context.overriding->now();
  json::array out;
  for (const auto& one : context.overriding->all()) {
    json::object described = describe_override(*one, now);
    described["container"] =
        json::object{{"id", describe(one->target.id)}, {"name", describe(one->name)}, {"image", describe(one->image)}};
    out.push_back(std::move(described));
  }
  return out;
}

}  // namespace

control::Answer status(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  Population population = count(context.registry, context.unprotected);
  json::array features;
  for (const auto& feature : context.kernel_features) {
    features.push_back(json::object{{"name", printable(feature.name)},
                                    {"present", feature.present},
                                    {"consequence", printable(feature.consequence)}});
  }
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(Wall::now() - context.started);
  const auto& [off, detect, prevent] = population.by_mode;
  const std::string storage = context.storage_trouble ? context.storage_trouble() : std::string();
  return json::object{
      {"version", HOLDFAST_VERSION},
      {"pid", ::getpid()},
      {"storage", storage.empty() ? "ok" : printable(storage)},
      {"started", rfc3339(context.started)},
      {"uptime_seconds", uptime.count()},
      {"containers", json::object{{"all", off + detect + prevent + population.unprotected},
                                  {"off", off},
                                  {"detect", detect},
                                  {"prevent", prevent},
                                  {"unprotected", population.unprotected}}},
      {"gate", gate_health(context.counters)},
      {"net", net_health(context.counters)},
      {"writers", writer_health(context.counters)},
      {"verdicts", verdicts_by_reason(context.counters)},
      {"alerts", alert_health(context.alerts.counters())},
      {"baselines", baseline_health(context.catalog.counters())},
      {"exposures", std::move(population.exposures)},
      {"overrides", describe_overrides(context)},
      {"kernel_features", std::move(features)},
      {"settings", describe_settings(context.settings())},
  };
}

}  // namespace holdfast::daemon
