#include "holdfast/daemon/service.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/daemon/log.h"
#include "holdfast/daemon/maintenance.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::daemon {
namespace {

/// Every event in hand costs two descriptors (kernel fact 12); the rest belongs to baselines and clients.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

Result<void> make_directory(const std::string& path, std::filesystem::perms mode) {
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) std::filesystem::permissions(path, mode, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  return Error{error.value(), fmt::format("cannot make the directory {}: {}", path,
                                          error ? error.message() : "something else is there")};
}

unsigned worker_count(unsigned wanted) {
  return wanted != 0 ? wanted : std::max(2U, std::thread::hardware_concurrency());
}

}  // namespace

Result<std::unique_ptr<Service>> Service::create(const Options& options, policy::Settings settings,
                                                 policy::PolicySet policies) {
  std::unique_ptr<Service> service(new Service(options, std::move(settings), std::move(policies)));
  for (auto step : {&Service::open_parts, &Service::start_gate, &Service::start_control}) {
    if (auto done = (service.get()->*step)(); !done) return done.error();
  }
  return service;
}

Service::Service(const Options& options, policy::Settings settings, policy::PolicySet policies)
    : options_(options),
      settings_(std::move(settings)),
      policies_(std::make_shared<const policy::PolicySet>(std::move(policies))),
      runtimes_(settings_.runtimes),
      fatal_wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Service::~Service() {
  // The gate first: nobody may wait for a service that is going away.
  if (gate_) gate_->stop();
  control_.reset();
}

std::shared_ptr<const policy::PolicySet> Service::policies() const { return policies_.load(); }

Result<void> Service::open_parts() {
  using std::filesystem::perms;
  if (auto made = make_directory(settings_.state_directory, perms::owner_all); !made) return made;
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

  baseline::Catalog::Options catalog;
  catalog.database = settings_.state_directory + "/baseline.db";
  catalog.capture_threads = settings_.hash_threads;
  catalog.on_problem = [this](const std::string& what) { tell("baseline", what); };
  auto opened = baseline::Catalog::open(catalog);
  if (!opened) return opened.error();
  catalog_ = std::move(*opened);
  return {};
}

Result<void> Service::start_gate() {
  gate::Gate::Settings gate_settings;
  gate_settings.deadline = settings_.deadline;
  gate_settings.allow_on_deadline = settings_.on_deadline == policy::Verdict::allow;
  gate_settings.lease_signals = true;  // block_signals() has SIGURG
  gate_settings.most_pending = std::max<std::size_t>(64, raise_descriptor_limit() / 4);

  gate::Gate::Dependencies gate_needs{
      .registry = registry_,
      .counters = counters_,
      .any_prevents = [this] { return policies()->any_prevents(); },
      .judge = [this](gate::Gate& gate, const auto& pending) { judge_->judge(gate, pending); },
      .barrier =
          [this](const gate::Pending& pending) {
            const pid_t pid = pending.event.pid;
            if (const auto proc = kernel::open_proc(pid)) discovery_->on_runtime_exec(proc->get(), pid);
          },
      .on_fatal =
          [this](const std::string& why) {
            failed_ = true;
            tell("gate", "the gate has stopped and every execution is allowed: " + why);
            const std::uint64_t one = 1;
            (void)!::write(fatal_wake_.get(), &one, sizeof one);
          },
  };
  auto gate = gate::Gate::create(gate_settings, std::move(gate_needs));
  if (!gate) return gate.error();
  gate_ = std::move(*gate);

  discovery_ = container::Discovery::create({
      .registry = registry_,
      .catalog = *catalog_,
      .marker = *gate_,
      .policies = [this] { return policies(); },
      .on_container = [this](const auto& container, const auto& exposure) { on_container(container, exposure); },
      .on_problem = [](const std::string& what) { log_line(what); },
      .on_unprotected = [this](const std::string& what) { tell("exposure", what, alert::Kind::exposure); },
  });
  judge_ = std::make_unique<gate::Judge>(
      gate::Judge::Dependencies{registry_, *discovery_, *alerts_, counters_, rule_use_, settings_.deadline});

  gate_->start(worker_count(settings_.hash_threads));
  take_runtimes();
  discovery_->scan_all();
  return {};
}

Result<void> Service::start_control() {
  control::Server::Options server;
  server.socket = settings_.runtime_directory + "/control.sock";
  control_ = std::make_unique<control::Server>(server);
  context_ = std::make_unique<ServiceContext>(ServiceContext{
      .registry = registry_,
      .discovery = *discovery_,
      .catalog = *catalog_,
      .counters = counters_,
      .alerts = *alerts_,
      .policies = [this] { return policies(); },
      .reload = [this] { return reload(); },
      .kernel_features = probe_kernel_features(),
      .started = Wall::now(),
      .settings = settings_,
      .rule_uses = [this](const policy::Policy& policy,
                          const std::string& rule) { return rule_use_.uses(policy.name, rule); },
  });
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
            if (auto done = reload(); !done) tell("reload", "kept the old configuration: " + done.error().message);
          },
      .on_runtimes = [this] { take_runtimes(); },
      .on_unmount = [this] { discovery_->forget_unmounted(); },
      .on_mounts = [this] { discovery_->scan_host(); },
      .on_tick = [this] { tell_losses(); },
  };
  log_line(fmt::format("ready: {} runtimes marked, {} containers known", runtimes_.descriptors().size(),
                       registry_.all().size()));
  maintain(hooks);
  return failed_ ? 1 : 0;
}

Result<void> Service::reload() {
  auto settings = effective_settings(options_);
  if (!settings) return settings.error();
  auto loaded = policy::PolicySet::load(settings->policy_directory, settings->drift);
  if (!loaded) return loaded.error();
  policies_.store(std::make_shared<const policy::PolicySet>(std::move(*loaded)));
  discovery_->apply_policies();
  const auto needs_restart = [&](const auto& before, const auto& after, const char* key) {
    if (before != after)
      log_line(fmt::format("{} has changed in the configuration; it takes effect with a restart", key));
  };
  needs_restart(settings_.state_directory, settings->state_directory, "StateDirectory");
  needs_restart(settings_.runtime_directory, settings->runtime_directory, "RuntimeDirectory");
  needs_restart(settings_.alerts, settings->alerts, "Alert");
  needs_restart(settings_.runtimes, settings->runtimes, "Runtime");
  needs_restart(settings_.deadline, settings->deadline, "Deadline");
  needs_restart(settings_.on_deadline, settings->on_deadline, "OnDeadline");
  needs_restart(settings_.hash_threads, settings->hash_threads, "HashThreads");
  log_line("configuration and policies reloaded");
  return {};
}

void Service::take_runtimes() {
  if (!runtimes_.refresh()) return;
  discovery_->set_runtimes(runtimes_.identities());
  gate_->set_runtimes(runtimes_.descriptors());
  for (const auto& path : runtimes_.paths()) log_line(fmt::format("runtime: {}", printable(path)));
}

void Service::on_container(const std::shared_ptr<container::Container>& container, const std::string& exposure) {
  if (exposure.empty()) return;
  const auto now = Wall::now();
  const auto names = container->names();
  alert::Alert alert;
  alert.time = now;
  alert.kind = alert::Kind::exposure;
  alert.reason = "exposure";
  alert.container = alert::ContainerInfo{names->id,      names->name,       names->image, names->digest,
                                         names->runtime, names->name_space, names->pod};
  const auto& called = !names->name.empty() ? names->name
                       : !names->id.empty() ? names->id
                                            : container->root_mount_point();
  alert.message = fmt::format("{} was not mediated until now: {}", printable(called), exposure);
  alerts_->push(std::move(alert));
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
