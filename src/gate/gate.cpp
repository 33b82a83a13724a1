#include "holdfast/gate/gate.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace holdfast::gate {
namespace {

constexpr unsigned kBarrierThreads = 4;
constexpr std::uint64_t kBothKinds = FAN_OPEN_EXEC_PERM | FAN_OPEN_EXEC;

}  // namespace

Result<std::unique_ptr<Gate>> Gate::create(const Settings& settings, Dependencies dependencies) {
  auto group = kernel::FanotifyGroup::create();
  if (!group) return group.error();
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return errno_error("eventfd");
  return std::unique_ptr<Gate>(new Gate(settings, std::move(dependencies), std::move(*group), std::move(wake)));
}

Gate::Gate(const Settings& settings, Dependencies dependencies, kernel::FanotifyGroup group, UniqueFd wake)
    : settings_(settings),
      dependencies_(std::move(dependencies)),
      group_(std::move(group)),
      wake_(std::move(wake)),
      runtimes_(std::make_shared<const RuntimeSet>()),
      leases_(settings.lease_signals) {}

Gate::~Gate() { stop(); }

void Gate::start(unsigned workers) {
  threads_.emplace_back([this] { run(); });
  for (unsigned i = 0; i < kBarrierThreads; ++i) threads_.emplace_back([this] { run_barrier(); });
  for (unsigned i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
}

void Gate::stop() {
  if (stop_.exchange(true)) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  queue_.close();
  barrier_queue_.close();
  for (auto& thread : threads_) thread.join();
  group_.close();
}

void Gate::run() {
  std::vector<kernel::FanotifyEvent> events;
  while (!stop_.load(std::memory_order_relaxed)) {
    const bool full = dependencies_.counters.pending.load(std::memory_order_relaxed) >= settings_.most_pending;
    std::array<pollfd, 2> fds{pollfd{wake_.get(), POLLIN, 0}, pollfd{full ? -1 : group_.fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), full ? 1 : next_timeout()) < 0 && errno != EINTR) break;
    if ((fds[1].revents & POLLIN) != 0) {
      const auto read = group_.read(events);
      if (!read && read.error().code == EPROTO) {
        group_.close();
        dependencies_.on_fatal(read.error().message);
        return;
      }
      if (!read) dependencies_.counters.kernel_denied.fetch_add(1, std::memory_order_relaxed);
      for (auto& event : events) take(std::move(event));
    }
    answer_overdue();
  }
  group_.close();
}

void Gate::take(kernel::FanotifyEvent event) {
  auto& counters = dependencies_.counters;
  counters.events.fetch_add(1, std::memory_order_relaxed);
  if (event.is_overflow() || !event.file) {
    counters.overflows.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  struct stat st {};
  if (::fstat(event.file.get(), &st) != 0) {
    hand_over(std::move(event), nullptr, false);
    return;
  }
  const auto runtimes = runtimes_.load(std::memory_order_acquire);
  if (std::binary_search(runtimes->begin(), runtimes->end(), std::pair{st.st_dev, st.st_ino})) {
    counters.barriers.fetch_add(1, std::memory_order_relaxed);
    hand_over(std::move(event), nullptr, true);
    return;
  }
  const auto* container = lookup(st.st_dev);
  if (container != nullptr && settle_fast(event, st, container->get())) return;
  hand_over(std::move(event), container != nullptr ? *container : nullptr, false);
}

const std::shared_ptr<container::Container>* Gate::lookup(dev_t device) {
  const std::uint64_t generation = dependencies_.registry.generation();
  if (generation != table_generation_) {
    table_ = dependencies_.registry.table();
    table_generation_ = generation;
  }
  const auto found = table_->find(device);
  return found == table_->end() ? nullptr : &found->second;
}

bool Gate::settle_fast(kernel::FanotifyEvent& event, const struct stat& st, container::Container* container) {
  const auto arrived = Steady::now();
  if (container->first_pid() == 0) return false;  // the first execution names the container: slow
  const Identity identity = identity_of(st);
  if (!container->baseline()->is_image_code(identity)) return false;
  if (container->has_prohibitions()) {
    const auto table = container->prohibitions_ready() ? container->prohibited() : nullptr;
    if (!table || table->contains(identity)) return false;
  }
  if (event.is_permission() && !allow_image_code(event, st)) return false;
  container->exec_count.fetch_add(1, std::memory_order_relaxed);
  dependencies_.counters.fast_allows.fetch_add(1, std::memory_order_relaxed);
  dependencies_.counters.latency.record(Steady::now() - arrived);
  return true;
}

/// False if somebody can write the file: its identity may be the image's no longer when it is executed.
bool Gate::allow_image_code(kernel::FanotifyEvent& event, const struct stat& st) {
  auto lease = kernel::ReadLease::take(event.file);
  if (!lease) return false;
  // Looked at again under the lease: a writer may have come and gone since.
  struct stat now {};
  const int fd = lease->fd();
  const bool same = ::fstat(fd, &now) == 0 && identity_of(now) == identity_of(st);
  if (!same) {
    event.file = lease->give_up();
    return false;
  }
  leases_.keep(
      {std::move(*lease), std::nullopt, std::move(event.pidfd), event.pid, st.st_dev, st.st_ino, Steady::now()});
  (void)group_.respond(fd, true);
  return true;
}

void Gate::hand_over(kernel::FanotifyEvent event, std::shared_ptr<container::Container> container, bool barrier) {
  auto& in_hand = dependencies_.counters.pending;
  if (!event.is_permission() && in_hand.load(std::memory_order_relaxed) >= settings_.most_pending / 2) {
    // A storm in a detect-mode container must not keep events that somebody waits for out of our hands.
    dependencies_.counters.notifications_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto pending = std::make_shared<Pending>();
  pending->event = std::move(event);
  pending->container = std::move(container);
  pending->arrived = Steady::now();
  pending->deadline = pending->arrived + (barrier ? settings_.barrier_deadline : settings_.deadline);
  in_hand.fetch_add(1, std::memory_order_relaxed);
  if (pending->wants_answer()) (barrier ? barrier_order_ : overdue_order_).push_back(pending);
  if (barrier) {
    barrier_queue_.push(0, std::move(pending));
  } else {
    const container::Container* lane = pending->container.get();
    queue_.push(lane, std::move(pending));
  }
}

void Gate::answer(Pending& pending, bool allow) {
  if (pending.claim()) respond(pending, allow);
}

void Gate::answer_overdue() {
  const auto now = Steady::now();
  for (auto* order : {&overdue_order_, &barrier_order_}) {
    while (!order->empty() &&
           (order->front()->answered.load(std::memory_order_acquire) || order->front()->deadline <= now)) {
      const auto pending = std::move(order->front());
      order->pop_front();
      answer_by_deadline(*pending, order == &barrier_order_);
    }
  }
}

void Gate::answer_by_deadline(Pending& pending, bool barrier) {
  if (!pending.claim()) return;
  bool allow = barrier || settings_.allow_on_deadline;
  if (!barrier && pending.container) {
    const auto own = pending.container->policy()->drift.on_deadline;
    if (own) allow = *own == policy::Verdict::allow;
  }
  pending.deadline_missed.store(true, std::memory_order_release);
  dependencies_.counters.deadlines_missed.fetch_add(1, std::memory_order_relaxed);
  respond(pending, allow);
}

void Gate::respond(Pending& pending, bool allow) {
  pending.allowed.store(allow, std::memory_order_release);
  if (pending.wants_answer()) (void)group_.respond(pending.event.file.get(), allow);
  dependencies_.counters.latency.record(Steady::now() - pending.arrived);
}

int Gate::next_timeout() const {
  Steady::time_point next = Steady::time_point::max();
  if (!overdue_order_.empty()) next = overdue_order_.front()->deadline;
  if (!barrier_order_.empty()) next = std::min(next, barrier_order_.front()->deadline);
  if (next == Steady::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Gate::work() {
  while (const auto pending = queue_.pop()) {
    dependencies_.counters.slow_verdicts.fetch_add(1, std::memory_order_relaxed);
    dependencies_.judge(*this, pending);
    answer(*pending, true);  // whatever the judge did not answer must not wait
    dependencies_.counters.pending.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Gate::run_barrier() {
  while (const auto pending = barrier_queue_.pop()) {
    dependencies_.barrier(*pending);
    answer(*pending, true);
    dependencies_.counters.pending.fetch_sub(1, std::memory_order_relaxed);
  }
}

std::uint64_t Gate::mask_for(const container::Container& container) const {
  if (container.mode() == policy::Mode::off) return 0;
  if (container.mode() == policy::Mode::prevent) return FAN_OPEN_EXEC_PERM;
  return container.provisional() && dependencies_.any_prevents() ? FAN_OPEN_EXEC_PERM : FAN_OPEN_EXEC;
}

Result<void> Gate::apply_mask(int fd, const container::Container& container, std::uint64_t extra,
                              Result<void> (kernel::FanotifyGroup::*add)(int, std::uint64_t) const,
                              Result<void> (kernel::FanotifyGroup::*remove)(int, std::uint64_t) const) {
  // The new kind first, then the old one away: an execution in between is seen twice rather than not at all.
  const std::uint64_t wanted = mask_for(container);
  if (wanted != 0) {
    if (auto added = (group_.*add)(fd, wanted | extra); !added) return added;
  }
  if (auto removed = (group_.*remove)(fd, kBothKinds & ~wanted); !removed && removed.error().code != ENOENT) {
    return removed;
  }
  return {};
}

Result<void> Gate::mark_root(int root, const container::Container& container) {
  return apply_mask(root, container, 0, &kernel::FanotifyGroup::mark_filesystem,
                    &kernel::FanotifyGroup::unmark_filesystem);
}

Result<void> Gate::mark_directory(int directory, const container::Container& container) {
  return apply_mask(directory, container, FAN_EVENT_ON_CHILD, &kernel::FanotifyGroup::mark_inode,
                    &kernel::FanotifyGroup::unmark_inode);
}

Result<void> Gate::mark_root_mount(int root, const container::Container& container) {
  return apply_mask(root, container, 0, &kernel::FanotifyGroup::mark_mount, &kernel::FanotifyGroup::unmark_mount);
}

void Gate::set_runtimes(const std::vector<int>& binaries) {
  auto set = std::make_shared<RuntimeSet>();
  for (const int fd : binaries) {
    struct stat st {};
    if (::fstat(fd, &st) == 0) set->emplace_back(st.st_dev, st.st_ino);
  }
  std::sort(set->begin(), set->end());
  runtimes_.store(std::move(set), std::memory_order_release);  // known before the first event can come
  for (const int fd : binaries) (void)group_.mark_inode(fd, FAN_OPEN_EXEC_PERM);
}

}  // namespace holdfast::gate
