#include "holdfast/gate/seals.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/alert_facts.h"
#include "holdfast/kernel/file.h"

namespace holdfast::gate {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookAtWindows{250};      // at windows that are open
constexpr milliseconds kLookAtLeases{50};        // where no signal tells
constexpr milliseconds kLookAtContainers{2000};  // whose leases are to go with them
constexpr milliseconds kTryAgain{5000};          // to write down what could not be written
constexpr std::size_t kMostLeases = 1024;        // a descriptor each
constexpr std::size_t kMostPins = 4096;          // of one container
constexpr std::size_t kMostStates = 65536;       // containers
constexpr std::size_t kMostNamed = 20;           // in an alert

bool is_over(const policy::Seal& seal, Steady::time_point since) { return Steady::now() - since >= seal.window; }

FileTime file_time_of(Wall::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

bool is_same_file(const kernel::ReadLease& one, const kernel::ReadLease& other) {
  struct stat st {};
  struct stat other_st {};
  return ::fstat(one.fd(), &st) == 0 && ::fstat(other.fd(), &other_st) == 0 && st.st_dev == other_st.st_dev &&
         st.st_ino == other_st.st_ino;
}

std::string describe_pin(const std::string& path, const Sha256& sha256) {
  return fmt::format("{} ({})", printable(path), to_hex(sha256).substr(0, 12));
}

}  // namespace

bool exists_in_container(const container::Container& container, const std::string& path) {
  const UniqueFd root(
      ::open(fmt::format("/proc/{}/root", container.first_pid()).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat st {};
  if (!root || !kernel::stat_without_asking(root.get(), st)) return false;
  if (container.kind() == container::RootKind::snapshot) {
    const auto key = container::root_key_of(root.get());
    if (!key || *key != container.key()) return false;
  } else if (st.st_dev != container.device()) {
    return false;
  }
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how))).valid();
}

Seals::Seals(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      work_(0, false),
      asked_(SIGWINCH, dependencies_.lease_signals),
      thread_([this] { run(); }),
      lease_thread_([this] { watch_leases(); }) {}

Seals::~Seals() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.ring();
  asked_.ring();
  thread_.join();
  lease_thread_.join();
}

bool Seals::State::is_idle() const {
  return closed && !unsaved && std::ranges::none_of(pins, [](const auto& pin) { return pin.second.held.has_value(); });
}

Seals::Key Seals::key_of(const container::Container& container) {
  const auto& key = container.key();
  return {key.inode, key.birth};
}

void Seals::begin(const std::shared_ptr<container::Container>& container) {
  if (container->key().birth == 0) return;  // another container may get the same number: nobody could tell them apart
  {
    const std::lock_guard lock(mutex_);
    const auto [found, first] = states_.try_emplace(key_of(*container));
    auto& state = found->second;
    state.container = container;
    if (!first) return;
    state.began = Wall::now();
    state.since = Steady::now();
    busy_.insert(found->first);
    if (states_.size() > kMostStates) {
      std::erase_if(states_, [](const auto& entry) { return entry.second.container.expired(); });
      std::erase_if(busy_, [this](const auto& key) { return !states_.contains(key); });
    }
  }
  work_.ring();
}

void Seals::meet(const std::shared_ptr<container::Container>& container) {
  const std::lock_guard lock(mutex_);
  const auto found = states_.find(key_of(*container));
  if (found != states_.end() && found->second.container.expired()) found->second.container = container;
}

/// Taken while the hash's own lease still proves that nobody writes.
std::optional<kernel::ReadLease> Seals::lease_on(UniqueFd real) const {
  if (!real) return std::nullopt;
  auto lease = kernel::ReadLease::take(real, SIGWINCH);
  return lease ? std::optional(std::move(*lease)) : std::nullopt;
}

void Seals::hold(Pin& pin, std::optional<kernel::ReadLease> lease) {
  pin.held.reset();
  if (!lease || leases_ >= kMostLeases) return;
  if (leases_ == 0) asked_.ring();
  pin.held.emplace(dependencies_.closer, std::move(*lease), Place(leases_));
}

void Seals::pin(const Key& key, State& state, const std::string& path, const Sha256& sha256,
                std::optional<kernel::ReadLease> lease) {
  auto& pin = state.pins[path];
  pin.sha256 = sha256;
  state.unsaved = true;
  busy_.insert(key);
  hold(pin, std::move(lease));
  work_.ring();
}

bool Seals::fits(Attempt attempt) {
  auto lease = lease_on(std::move(attempt.real));
  const std::lock_guard lock(mutex_);
  const auto found = states_.find(key_of(attempt.container));
  if (found == states_.end()) return false;
  State& state = found->second;
  const auto pin = state.pins.find(attempt.path);
  if (pin != state.pins.end() && pin->second.sha256 == attempt.sha256) {
    const auto& held = pin->second.held;
    if (lease && !(held && held->lease.held() && is_same_file(held->lease, *lease))) {
      busy_.insert(found->first);
      hold(pin->second, std::move(lease));
    }
    return true;
  }
  // A ctime cannot be set: what has an older one was there before the container's first execution.
  if (attempt.changed < file_time_of(state.began) || state.pins.size() >= kMostPins) return false;
  if (state.closed) {
    if (!attempt.own_work || attempt.changed > file_time_of(state.ended)) return false;
    tell_late(attempt.container, attempt.path, attempt.sha256);
  } else if (is_over(attempt.seal, state.since) || !attempt.by_itself) {
    return false;
  }
  this->pin(found->first, state, attempt.path, attempt.sha256, std::move(lease));
  return true;
}

void Seals::run() {
  for (;;) {
    work_.wait(patience());
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
    }
    close_due();
    save_changed();
  }
}

std::optional<milliseconds> Seals::patience() const {
  const std::lock_guard lock(mutex_);
  const auto any = [&](auto&& fits) {
    return std::ranges::any_of(busy_, [&](const auto& key) { return fits(states_.at(key)); });
  };
  if (any([](const State& state) { return !state.closed; })) return kLookAtWindows;
  if (any([](const State& state) { return state.unsaved; })) return kTryAgain;
  return states_.empty() ? std::nullopt : std::optional<milliseconds>(kLookAtAges);
}

/// A thread of its own: whoever asks to write waits for it, and the other one waits for disks and for containers.
void Seals::watch_leases() {
  const milliseconds look = dependencies_.lease_signals ? kLookAtContainers : kLookAtLeases;
  for (;;) {
    std::optional<milliseconds> patience;
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      if (leases_ > 0) patience = look;
    }
    asked_.wait(patience);
    drop_leases();
  }
}

/// Somebody waits in his open(2) to write what was pinned; and a lease's descriptor is not to outlive its container.
void Seals::drop_leases() {
  const std::lock_guard lock(mutex_);
  if (leases_ == 0) return;
  bool any_written = false;
  for (const auto& key : busy_) {
    auto& state = states_.at(key);
    const auto written =
        std::erase_if(state.pins, [](const auto& pin) { return pin.second.held && !pin.second.held->lease.held(); });
    if (state.container.expired()) {
      for (auto& [path, pin] : state.pins) pin.held.reset();
    }
    state.unsaved = state.unsaved || written > 0;
    any_written = any_written || written > 0;
  }
  if (any_written) work_.ring();
}

/// A look into a container may take its time: never under the lock.
void Seals::close_due() {
  struct Window {
    std::weak_ptr<container::Container> container;
    Wall::time_point began;
    Steady::time_point since;
  };
  std::vector<std::pair<Key, Window>> open;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& key : busy_) {
      const auto& state = states_.at(key);
      if (!state.closed) open.emplace_back(key, Window{state.container, state.began, state.since});
    }
  }
  for (const auto& [key, state] : open) {
    const auto container = state.container.lock();
    const auto policy = container ? container->policy() : nullptr;
    const bool sealed = policy != nullptr && policy->seal.has_value();
    if (container && container->provisional() && Steady::now() - state.since < std::chrono::seconds(5)) continue;
    if (sealed && !is_over(*policy->seal, state.since)) {
      const auto& until = policy->seal->until;
      // Somebody else may serve a file system there and never answer; then nobody looks, and the window is over.
      if (until.empty() || (!container->reaches_unmarked_files() && !exists_in_container(*container, until))) continue;
    }
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(key);
    if (found == states_.end()) continue;
    auto& closing = found->second;
    closing.closed = true;
    closing.unsaved = closing.unsaved || sealed;
    closing.ended = sealed ? std::min(Wall::now(), state.began + policy->seal->window) : state.began;
    if (container && sealed && !closing.pins.empty()) tell_sealed(*container, closing);
  }
}

void Seals::tell_sealed(const container::Container& container, const State& state) {
  std::string list;
  std::size_t named = 0;
  for (const auto& [path, pin] : state.pins) {
    if (named++ == kMostNamed) break;
    list += fmt::format("{}{}", list.empty() ? "" : ", ", describe_pin(path, pin.sha256));
  }
  if (state.pins.size() > kMostNamed) list += fmt::format(" and {} more", state.pins.size() - kMostNamed);
  tell(container, fmt::format("is sealed: {} executables that it wrote itself at its start are pinned: {}",
                              state.pins.size(), list));
}

void Seals::tell_late(const container::Container& container, const std::string& path, const Sha256& sha256) {
  tell(container, fmt::format("executes for the first time what it wrote itself at its start; it is pinned now: {}",
                              describe_pin(path, sha256)));
}

void Seals::tell(const container::Container& container, const std::string& what) {
  const auto names = container.names();
  alert::Alert alert;
  alert.time = Wall::now();
  alert.kind = alert::Kind::service;
  alert.reason = "seal";
  alert.container = describe_container(*names);
  alert.message = fmt::format("{} {}", printable(!names->name.empty() ? names->name : names->id), what);
  dependencies_.alerts.push(std::move(alert));
}

}  // namespace holdfast::gate
