#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/daemon/absence.h"
#include "holdfast/daemon/log.h"
#include "holdfast/daemon/notify.h"
#include "holdfast/daemon/service.h"
#include "holdfast/kernel/proc.h"

// The service's gate, with all that is asked by it, and what is taken over from the service before.
namespace holdfast::daemon {
namespace {

constexpr const char* kBeyondGate = "what the gate is not asked for was not looked at";

unsigned worker_count(unsigned wanted) {
  return wanted != 0 ? wanted : std::max(2U, std::thread::hardware_concurrency());
}

/// Of the marks that hold on since before this service, whether one is on that root.
std::function<bool(dev_t, ino_t)> marked_before(const std::optional<kernel::FanotifyGroup>& group) {
  auto marks = group ? group->marks() : Result<kernel::FanotifyGroup::Marks>(kernel::FanotifyGroup::Marks{});
  if (!marks) return {};
  return [marks = std::make_shared<const kernel::FanotifyGroup::Marks>(std::move(*marks))](dev_t device, ino_t inode) {
    return inode == 0 ? marks->superblocks.contains(device) : marks->inodes.contains({device, inode});
  };
}

}  // namespace

gate::Answering Service::answering_of(const policy::Settings& settings) {
  using Deadline = decltype(gate::Answering::deadline);
  return {std::chrono::duration_cast<Deadline>(settings.deadline), settings.on_deadline == policy::Verdict::allow};
}

/// With a group that was taken over, marks hold on from the first moment: nobody is judged before his container has
/// been found. With a new one, nobody waits for the search. The runtimes are known before the first event is read: one
/// that waited for us already may be a runtime's.
Result<void> Service::start_gate() {
  const bool taken_over = handover_.group.has_value();
  auto was_marked = marked_before(handover_.group);
  if (auto made = make_gate(); !made) return made;
  if (auto made = make_discovery(std::move(was_marked)); !made) return made;
  // Listening before the gate does: whatever is executed from here on is waiting to be looked at when the net starts.
  open_net();
  take_runtimes();
  gate_->start(worker_count(settings_.hash_threads));
  if (!taken_over) gate_->start_judging();
  if (taken_over) gate_->take_over(handover_.in_hand);
  discovery_->scan_all();
  if (net_) net_->start();
  if (taken_over) {
    gate_->start_judging();
    tell_of_absence();
  }
  for (const auto& problem : handover_.problems) tell("restart", problem);
  handover_ = {};
  return {};
}

Result<void> Service::make_gate() {
  gate::Gate::Settings gate_settings;
  gate_settings.answering = answering_of(settings_);
  gate_settings.lease_signals = true;  // block_signals() has SIGURG
  gate_settings.most_pending = std::max<std::size_t>(64, raise_descriptor_limit() / 4);
  gate_settings.handed_on = has_store();

  gate::Gate::Dependencies gate_needs{
      .registry = registry_,
      .counters = counters_,
      .closer = closer_,
      .exec_log = exec_log_,
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
            empty_store();
            tell("gate", "the gate has stopped and every execution is allowed: " + why);
            const std::uint64_t one = 1;
            (void)!::write(fatal_wake_.get(), &one, sizeof one);
          },
      .on_stuck =
          [this](std::size_t answered, bool allowed) {
            tell("gate",
                 fmt::format("the gate's thread was held for longer than {} ms, by a file system or a process that "
                             "did not let it go on: another one has taken over, and {} executions were {} by "
                             "configuration",
                             gate_->deadline().count(), answered, allowed ? "allowed" : "denied"));
          },
  };
  auto table = handover_.table ? Result<gate::EventTable>(std::move(*handover_.table)) : gate::EventTable::create();
  if (!table) return table.error();
  auto gate = gate::Gate::create(gate_settings, std::move(gate_needs), std::move(*table), std::move(handover_.group));
  if (!gate) return gate.error();
  gate_ = std::move(*gate);
  marks_.emplace(*gate_, *writers_);
  // Before there is a mark that anybody could wait for.
  if (has_store()) store(gate_->group(), gate_->table());
  keep_entrusted();
  take_back_entrusted();
  return {};
}

Result<void> Service::make_discovery(std::function<bool(dev_t, ino_t)> was_marked) {
  const auto alive = catalog_->last_alive();
  if (!alive) return alive.error();
  discovery_ = container::Discovery::create({
      .registry = registry_,
      .catalog = *catalog_,
      .marker = *marks_,
      .policies = [this] { return policies(); },
      .on_container = [this](const auto& container, const auto& exposure) { on_container(container, exposure); },
      .on_problem = [](const std::string& what) { log_line(what); },
      .on_unprotected = [this](const std::string& what) { tell("exposure", what, alert::Kind::exposure); },
      .unprotected = unprotected_,
      .last_alive = *alive ? **alive : Wall::time_point{},
      .override_of = [this](const auto& container) { return overrides_->find(container); },
      .was_marked = std::move(was_marked),
  });
  overriding_ = std::make_unique<Overriding>(Overriding::Dependencies{
      .registry = registry_,
      .discovery = *discovery_,
      .overrides = *overrides_,
      .tell =
          [this](alert::Alert alert) {
            log_line(printable(alert.message));
            alerts_->push(std::move(alert));
          },
  });
  overriding_->review();  // those whose time came while no service ran: before any container is given one
  judge_ = std::make_unique<gate::Judge>(
      gate::Judge::Dependencies{registry_, *discovery_, membership_, *alerts_, counters_, rule_use_, exec_log_,
                                *reporter_, *writers_, enforcer_, *exception_facts_, *sanctions_, *seals_});
  return {};
}

/// The marks held on, and whoever was executed waited; but nobody looked past the gate meanwhile.
void Service::tell_of_absence() {
  const auto now = Wall::now();
  const auto from = std::min(handover_.alive, now);
  for (const auto& container : registry_.all()) {
    if (container->mode() != policy::Mode::off) container->add_exposure({from, now, kBeyondGate});
  }
  std::string lost;
  if (handover_.notifications != 0) {
    lost = fmt::format("; {} executions in detect-mode containers were read and not reported any more",
                       handover_.notifications);
  }
  tell(
      "restart",
      fmt::format("took over from a service that was there until {}: the marks held, {} executions that it had in hand "
                  "are judged, and {} from then to {}{}",
                  rfc3339(from), handover_.in_hand.size(), kBeyondGate, rfc3339(now), lost),
      alert::Kind::exposure);
}

/// OnAbsence=allow: where somebody keeps the group for the next service, somebody else must know when to stop waiting.
void Service::keep_entrusted() {
  if (!has_store() || settings_.hold_on_absence || !is_closed(entrusted_)) return;
  auto connection = entrust(release_socket(settings_.runtime_directory), gate_->group());
  if (connection) {
    entrusted_ = std::move(*connection);
    told_unentrusted_ = false;
  } else if (!std::exchange(told_unentrusted_, true)) {
    log_line(
        fmt::format("holdfast-release cannot be reached ({}): should this service end and none come back, "
                    "prevent-mode containers wait until systemd gives up",
                    connection.error().message));
  }
}

/// OnAbsence=hold: what a service before us has entrusted, when it was allow, is not to be let go.
void Service::take_back_entrusted() {
  if (!has_store() || !settings_.hold_on_absence) return;
  auto connection = entrust(release_socket(settings_.runtime_directory), gate_->group());
  if (connection) dismiss(std::move(*connection));
}

/// Only a gate that does its work feeds it: systemd then ends a service that does not, and starts another one.
void Service::feed_watchdog() {
  gate_->table().alive().store(std::chrono::nanoseconds(Wall::now().time_since_epoch()).count());
  const auto trouble = gate_->trouble();
  if (!trouble) notify_alive();
  if (trouble && *trouble != told_trouble_) tell("gate", *trouble);
  told_trouble_ = trouble.value_or(std::string());
}

void Service::open_net() {
  auto net = gate::Net::create({
      .registry = registry_,
      .membership = membership_,
      .mounts = discovery_->mounts(),
      .exec_log = exec_log_,
      .history = history_,
      .counters = counters_,
      .closer = closer_,
      .rule_use = rule_use_,
      .reporter = *reporter_,
      .enforcer = enforcer_,
      .exception_facts = *exception_facts_,
      .sanctions = *sanctions_,
      .deadline = settings_.deadline,
      .gate_has_read = [this](auto then) { return gate_->has_read_until(then); },
      .forget_ended = [this] { discovery_->forget_unmounted(); },
      .on_lost = [this](auto from, auto until) { on_events_lost(from, until); },
      .on_end = [this](const std::string& why) { lose_net(why); },
  });
  if (net) {
    net_ = std::move(*net);
  } else {
    lose_net(net.error().message);
  }
}

/// From now on nobody sees what the gate cannot, in any container.
void Service::lose_net(const std::string& why) {
  no_net_ = true;
  for (const auto& container : registry_.all()) container->add_exposure({Wall::now(), {}, kNoNet});
  tell("net", fmt::format("{}: {}", kNoNet, why), alert::Kind::exposure);
}

void Service::on_events_lost(Wall::time_point from, Wall::time_point until) {
  for (const auto& container : registry_.all()) {
    if (container->mode() != policy::Mode::off) container->add_exposure({from, until, "process events were lost"});
  }
  tell(
      "process-events",
      fmt::format("process events were lost from {} to {}: what was executed in containers then past the gate, and has "
                  "ended since, is not known",
                  rfc3339(from), rfc3339(until)),
      alert::Kind::exposure);
}

}  // namespace holdfast::daemon
