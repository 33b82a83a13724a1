#include "holdfast/daemon/service.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/daemon/absence.h"
#include "holdfast/daemon/log.h"
#include "holdfast/daemon/maintenance.h"
#include "holdfast/daemon/make_directory.h"
#include "holdfast/gate/alert_facts.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::daemon {
namespace {

/// How much of an absence is told too much after a crash.
constexpr std::chrono::seconds kHeartbeat{10};

}  // namespace

Result<std::unique_ptr<Service>> Service::create(const Options& options, policy::Settings settings,
                                                 policy::PolicySet policies, Handover handover) {
  std::unique_ptr<Service> service(new Service(options, std::move(settings), std::move(policies), std::move(handover)));
  for (auto step : {&Service::open_parts, &Service::start_gate, &Service::start_control}) {
    if (auto done = (service.get()->*step)(); !done) return done.error();
  }
  return service;
}

Service::Service(const Options& options, policy::Settings settings, policy::PolicySet policies, Handover handover)
    : options_(options),
      settings_(std::move(settings)),
      policies_(std::make_shared<const policy::PolicySet>(std::move(policies))),
      handover_(std::move(handover)),
      runtimes_(settings_.runtimes),
      fatal_wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  rule_use_.begin(*policies_.load());
}

Service::~Service() {
  if (pruning_.joinable()) pruning_.join();
  if (catalog_ && !failed_) catalog_->note_alive(Wall::now());
  // The gate first: nobody may wait for a service that is going away.
  if (gate_ && !gate_->stop()) {
    alerts_.reset();  // writes what waits
    std::_Exit(failed_ ? 1 : 0);
  }
  control_.reset();
  net_.reset();
}

std::shared_ptr<const policy::PolicySet> Service::policies() const { return policies_.load(); }

Result<void> Service::open_parts() {
  using std::filesystem::perms;
  const perms readable =
      perms::owner_all | perms::group_read | perms::group_exec | perms::others_read | perms::others_exec;
  if (auto made = make_directory(settings_.runtime_directory, readable); !made) return made;

  std::vector<std::unique_ptr<alert::Sink>> sinks;
  for (const auto& spec : settings_.alerts) {
    auto sink = alert::make_sink(spec);
    if (!sink) return sink.error();
    sinks.push_back(std::move(*sink));
  }
  alerts_ = std::make_unique<alert::Queue>(std::move(sinks), alert::Queue::Limits());
  auto writers = gate::Writers::create({registry_, membership_, history_, counters_, closer_});
  if (!writers) return writers.error();
  writers_ = std::move(*writers);

  if (auto opened = open_catalog(); !opened) return opened;
  reporter_ = std::make_unique<gate::Reporter>(*alerts_, *writers_, open_evidence());
  seals_ = std::make_unique<gate::Seals>(
      gate::Seals::Dependencies{.alerts = *alerts_,
                                .catalog = *catalog_,
                                .closer = closer_,
                                .on_trouble = [this](const std::string& why) { on_storage_problem(why); },
                                .lease_signals = true});
  if (auto resumed = seals_->resume(); !resumed) return resumed;
  exception_facts_ = std::make_unique<gate::ExceptionFacts>(*catalog_, *seals_, *writers_);
  sanctions_ = std::make_unique<gate::Sanctions>(gate::Sanctions::Dependencies{membership_, enforcer_, *alerts_});
  // Before any container is found: none is judged for a moment by another mode than the one in force.
  overrides_ = std::make_unique<container::Overrides>(*catalog_);
  return overrides_->resume(container::override_clock());
}

Result<void> Service::start_control() {
  control::Server::Options server;
  server.socket = settings_.runtime_directory + "/control.sock";
  control_ = std::make_unique<control::Server>(server);
  context_ = std::make_unique<ServiceContext>(ServiceContext{
      .registry = registry_,
      .unprotected = unprotected_,
      .discovery = *discovery_,
      .catalog = *catalog_,
      .counters = counters_,
      .alerts = *alerts_,
      .policies = [this] { return policies(); },
      .reload = [this] { return reload(); },
      .kernel_features = probe_kernel_features(),
      .started = Wall::now(),
      .settings =
          [this] {
            const std::scoped_lock lock(reload_);
            return settings_;
          },
      .rule_uses = [this](const policy::Policy& policy,
                          const std::string& rule) { return rule_use_.uses(policy.name, rule); },
      .overriding = overriding_.get(),
      .exception_facts = exception_facts_.get(),
  });
  context_->storage_trouble = [this] { return storage_trouble(); };
  add_commands(*control_, *context_);
  return control_->start();
}

int Service::run() {
  const MaintenanceHooks hooks{
      .fatal_fd = fatal_wake_.get(),
      .runtimes_fd = runtimes_.changes_fd(),
      .unmount_fd = discovery_->unmount_fd(),
      .on_reload =
          [this] {
            (void)reload();  // says itself what was wrong
          },
      .on_runtimes = [this] { take_runtimes(); },
      .on_unmount =
          [this] {
            discovery_->forget_unmounted();
            gate_->forget();
          },
      .on_mounts = [this] { discovery_->scan_host(); },
      .on_tick = [this] { on_tick(); },
  };
  {
    const std::scoped_lock lock(reload_);
    log_line(fmt::format("ready: {} runtimes marked, {} containers known", runtimes_.descriptors().size(),
                         registry_.all().size()));
  }
  on_tick();
  const auto end = maintain(hooks);
  if (end == End::for_good) {
    empty_store();
    dismiss(std::move(entrusted_));
    gate_->release();
  }
  return failed_ ? 1 : 0;
}

/// Whoever asked, by signal or by command: an alert tells of a configuration that was refused.
Result<void> Service::reload() {
  const std::scoped_lock lock(reload_);
  auto done = load_configuration();
  if (!done) tell("reload", "kept the old configuration: " + done.error().message);
  return done;
}

Result<void> Service::load_configuration() {
  auto settings = effective_settings(options_);
  if (!settings) return settings.error();
  auto loaded = policy::PolicySet::load(settings->policy_directory, settings->drift);
  if (!loaded) return loaded.error();
  // From here on nothing fails: all of it takes effect, or above none.
  policies_.store(std::make_shared<const policy::PolicySet>(std::move(*loaded)));
  rule_use_.begin(*policies_.load());
  gate_->set_answering(answering_of(*settings));
  runtimes_.set_extra(settings->runtimes);
  mark_runtimes();
  discovery_->apply_policies();
  const auto needs_restart = [&](const auto& before, const auto& after, const char* key) {
    if (before != after)
      log_line(fmt::format("{} has changed in the configuration; it takes effect with a restart", key));
  };
  needs_restart(settings_.state_directory, settings->state_directory, "StateDirectory");
  needs_restart(settings_.runtime_directory, settings->runtime_directory, "RuntimeDirectory");
  needs_restart(settings_.alerts, settings->alerts, "Alert");
  needs_restart(settings_.hash_threads, settings->hash_threads, "HashThreads");
  needs_restart(settings_.hold_on_absence, settings->hold_on_absence, "OnAbsence");
  settings_.drift = settings->drift;
  settings_.policy_directory = settings->policy_directory;
  settings_.deadline = settings->deadline;
  settings_.on_deadline = settings->on_deadline;
  settings_.runtimes = settings->runtimes;
  log_line("configuration and policies reloaded");
  return {};
}

void Service::take_runtimes() {
  const std::scoped_lock lock(reload_);
  mark_runtimes();
}

void Service::mark_runtimes() {
  if (!runtimes_.refresh()) return;
  discovery_->set_runtimes(runtimes_.identities());
  gate_->set_runtimes(runtimes_.descriptors(), runtimes_.gone());
  if (net_) net_->set_runtimes(runtimes_.descriptors());
  for (const auto& path : runtimes_.paths()) log_line(fmt::format("runtime: {}", printable(path)));
}

void Service::on_container(const std::shared_ptr<container::Container>& container, const std::string& exposure) {
  if (no_net_) container->add_exposure({container->seen_at(), {}, kNoNet});
  if (exposure.empty()) return;
  const auto now = Wall::now();
  const auto names = container->names();
  alert::Alert alert;
  alert.time = now;
  alert.kind = alert::Kind::exposure;
  alert.reason = "exposure";
  alert.container = gate::describe_container(*names);
  const auto& called = !names->name.empty() ? names->name
                       : !names->id.empty() ? names->id
                                            : container->root_mount_point();
  const auto spans = container->exposures();
  const bool goes_on =
      std::ranges::any_of(spans, [&](const auto& span) { return span.goes_on() && span.why == exposure; });
  alert.message = fmt::format("{} {}: {}", printable(called),
                              goes_on ? "is not mediated completely" : "was not mediated until now", exposure);
  alerts_->push(std::move(alert));
}

void Service::on_tick() {
  feed_watchdog();
  keep_entrusted();
  prune_old();
  tell_losses();
  discovery_->review_unprotected();
  overriding_->review();
  if (failed_ || Steady::now() < next_heartbeat_) return;
  catalog_->note_alive(Wall::now());
  next_heartbeat_ = Steady::now() + kHeartbeat;
}

void Service::tell_losses() {
  const auto tell_growth = [this](std::uint64_t now, std::uint64_t& told, const char* reason, const char* what) {
    if (now > told) tell(reason, fmt::format("{} {}", now - told, what));
    told = now;
  };
  tell_growth(counters_.notifications_lost, told_notifications_lost_, "lost",
              "executions in detect-mode containers were not judged: too many at once");
  tell_growth(counters_.kernel_denied, told_kernel_denied_, "kernel",
              "executions were denied by the kernel because their event could not be delivered");
  tell_growth(counters_.writer_events_lost, told_writers_lost_, "writers",
              "times who wrote files in containers was not seen: too much was written at once");
  tell_growth(counters_.overflows, told_overflows_, "overflow", "times the kernel's event queue overflowed");
}

void Service::tell(const std::string& reason, const std::string& message, alert::Kind kind) {
  log_line(message);
  alert::Alert alert;
  alert.time = Wall::now();
  alert.kind = kind;
  alert.reason = reason;
  alert.message = message;
  alerts_->push(std::move(alert));
}

}  // namespace holdfast::daemon
