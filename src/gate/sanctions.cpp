#include "holdfast/gate/sanctions.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/gate/alert_facts.h"
#include "holdfast/kernel/pidfd.h"

namespace holdfast::gate {
namespace {

using policy::Drift;

constexpr auto kLookAtStops = std::chrono::milliseconds(100);  // at who is being stopped
constexpr std::size_t kMostAsked = 256;
constexpr int kLooksAtMembers = 5;

std::string called(const container::Container& container) {
  const auto names = container.names();
  const auto& name = !names->name.empty() ? names->name : names->id;
  return printable(name.empty() ? container.root_mount_point() : name);
}

/// A component of a cgroup's path that is the container's own: "ID", "docker-ID.scope", "libpod-ID".
bool names_container(std::string_view component, std::string_view id) {
  if (component.ends_with(".scope")) component.remove_suffix(6);
  if (!component.ends_with(id)) return false;
  component.remove_suffix(id.size());
  return component.empty() || component.ends_with('-');
}

/// The path up to the container's own cgroup: what its processes have made below it goes with it. Empty: it has none.
std::string own_cgroup(const std::string& path, std::string_view id) {
  for (std::size_t begin = 1; !id.empty() && begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (names_container(std::string_view(path).substr(begin, end - begin), id)) return path.substr(0, end);
    begin = end + 1;
  }
  return {};
}

}  // namespace

Sanctions::Sanctions(const Dependencies& dependencies) : to_(dependencies), thread_([this] { run(); }) {}

Sanctions::~Sanctions() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Sanctions::impose(const std::shared_ptr<container::Container>& container, Drift::Action action) {
  if (action != Drift::Action::pause && action != Drift::Action::stop) return;
  {
    const std::lock_guard lock(mutex_);
    const bool known = std::any_of(waiting_.begin(), waiting_.end(),
                                   [&](const Sanction& sanction) { return sanction.container == container; });
    if (known || waiting_.size() >= kMostAsked) return;  // the next denial asks again
    waiting_.push_back({container, action});
  }
  wake_.notify_one();
}

void Sanctions::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const auto called_for = [this] { return stop_ || !waiting_.empty(); };
    if (endings_.empty()) {
      wake_.wait(lock, called_for);
    } else {
      wake_.wait_for(lock, kLookAtStops, called_for);
    }
    if (stop_) return;
    std::deque<Sanction> taken;
    taken.swap(waiting_);
    lock.unlock();
    for (const auto& [container, action] : taken) {
      if (action == Drift::Action::pause) pause(container);
      if (action == Drift::Action::stop) begin_stop(container);
    }
    std::erase_if(endings_, [this](const Ending& ending) { return finish_stop(ending); });
    lock.lock();
  }
}

void Sanctions::pause(const std::shared_ptr<container::Container>& container) {
  auto freezer = freezer_of(*container);
  if (freezer && kernel::is_frozen(*freezer)) return;
  const auto done = freezer ? kernel::freeze(*freezer) : Result<void>(freezer.error());
  if (done) {
    return tell(*container, fmt::format("was paused, since drift in it was denied; it goes on with: {}",
                                        printable(kernel::thaw_command(*freezer))));
  }
  std::erase_if(unpausable_, [](const auto& one) { return one.expired(); });
  if (std::ranges::any_of(unpausable_, [&](const auto& one) { return one.lock() == container; })) return;
  unpausable_.push_back(container);
  tell(*container, fmt::format("could not be paused, and goes on: {}", printable(done.error().message)));
}

Result<kernel::Freezer> Sanctions::freezer_of(const container::Container& container) const {
  const pid_t first = container.first_pid();
  const auto proc =
      first > 0 ? kernel::open_proc(first) : Result<UniqueFd>(errno_error(ESRCH, "find its first process"));
  if (!proc) return proc.error();
  if (to_.membership.container_of(proc->get()).get() != &container) return Error{ESRCH, "its first process has ended"};
  const auto self = kernel::open_proc(::getpid());
  if (!self) return self.error();
  const auto mounts = kernel::read_mountinfo(self->get());
  if (!mounts) return mounts.error();
  Error why{ENOENT, "it has no cgroup of its own that could be frozen"};
  for (const auto& line : kernel::read_cgroup(proc->get())) {
    const auto path = kernel::can_freeze(line) ? own_cgroup(line.path, container.names()->id) : std::string();
    if (path.empty()) continue;
    auto freezer = kernel::open_freezer(*mounts, line, path);
    const auto verified = freezer ? verify(*freezer, container) : Result<void>(freezer.error());
    if (verified) return freezer;
    why = verified.error();
  }
  return why;
}

/// Nobody else is frozen with it. A runtime that enters the container is in its cgroup a moment before it is a member.
Result<void> Sanctions::verify(const kernel::Freezer& freezer, const container::Container& container) const {
  for (int look = 1;; ++look) {
    const auto pids = kernel::members(freezer);
    if (!pids) return pids.error();
    const auto stranger = std::find_if(pids->begin(), pids->end(), [&](pid_t pid) {
      const auto proc = kernel::open_proc(pid);
      return proc && to_.membership.container_of(proc->get()).get() != &container;
    });
    if (stranger == pids->end()) return {};
    if (look == kLooksAtMembers) {
      return Error{EBUSY, fmt::format("its cgroup {} holds a process of somebody else ({})", freezer.path, *stranger)};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void Sanctions::begin_stop(const std::shared_ptr<container::Container>& container) {
  if (std::any_of(endings_.begin(), endings_.end(), [&](const Ending& e) { return e.container == container; })) return;
  Ending ending{container, {}, Steady::now() + to_.grace};
  const pid_t first = container->first_pid();
  if (auto pidfd = first > 0 ? kernel::open_pidfd(first) : Result<UniqueFd>(errno_error(ESRCH, "find it"))) {
    if (to_.enforcer.signal(first, *container, SIGTERM)) ending.first = std::move(*pidfd);
  }
  tell(*container, "is being stopped, since drift in it was denied");
  endings_.push_back(std::move(ending));
}

/// True when nothing is left to do. Its first process takes everybody in its PID namespace with it; where that is
/// shared, the others are ended one by one.
bool Sanctions::finish_stop(const Ending& ending) {
  const bool alive = ending.first && !kernel::has_ended(ending.first.get());
  if (alive && Steady::now() < ending.deadline) return false;
  constexpr int kRounds = 10;  // somebody may make others while we look
  for (int round = 0; round < kRounds; ++round) {
    if (to_.enforcer.kill_all(*ending.container) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Steady::now() >= ending.deadline + to_.grace;
}

void Sanctions::tell(const container::Container& container, const std::string& what) {
  alert::Alert alert;
  alert.time = Wall::now();
  alert.kind = alert::Kind::service;
  alert.reason = "action";
  alert.container = describe_container(*container.names());
  alert.message = fmt::format("{} {}", called(container), what);
  to_.alerts.push(std::move(alert));
}

}  // namespace holdfast::gate
