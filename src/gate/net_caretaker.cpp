// The net's caretaker: reports that were held back, losses, and scans.

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "holdfast/gate/net.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostRemembered = 8192;
constexpr auto kMostLag = std::chrono::seconds(5);
constexpr auto kLookAgain = std::chrono::milliseconds(10);
/// Between two scans while events are lost again and again.
constexpr auto kBetweenScans = std::chrono::seconds(10);

Wall::time_point on_the_wall(Steady::time_point t) {
  return Wall::now() - std::chrono::duration_cast<Wall::duration>(Steady::now() - t);
}

}  // namespace

void Net::take_care() {
  scan();
  while (!stop_.load(std::memory_order_relaxed)) {
    pollfd wake{wakes_.back().get(), POLLIN, 0};
    (void)::poll(&wake, 1, next_timeout());
    std::uint64_t count = 0;
    (void)!::read(wakes_.back().get(), &count, sizeof count);
    tell_due();
    recover();
  }
}

void Net::wake_caretaker() {
  const std::uint64_t one = 1;
  (void)!::write(wakes_.back().get(), &one, sizeof one);
}

int Net::next_timeout() {
  Steady::time_point next = Steady::time_point::max();
  {
    const std::lock_guard lock(mutex_);
    if (const auto* first = held_.first()) next = first->due;
    if (lost_since_) next = std::min(next, recovered_ + kBetweenScans);
  }
  if (next == Steady::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Net::hold(HeldReports::Held held) {
  std::optional<HeldReports::Held> pressed;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = held_.first() == nullptr;
    pressed = held_.put(std::move(held));
  }
  if (first) wake_caretaker();
  if (pressed) tell_unless_seen(std::move(*pressed));
}

void Net::tell_unless_seen(HeldReports::Held held) {
  const auto& file = held.report.alert.file;
  const bool on_overlay = file && file->mount.starts_with("overlay ");
  if (on_overlay && to_.exec_log.told(held.pid)) return;
  if (to_.exec_log.seen_or_tell(held.pid, held.device, held.inode)) return;
  judge_.tell(*held.container, std::move(held.report));
}

void Net::tell_due() {
  for (;;) {
    std::optional<HeldReports::Held> due;
    {
      const std::lock_guard lock(mutex_);
      const auto now = Steady::now();
      auto* const first = held_.first();
      if (first == nullptr || first->due > now) return;
      // On a busy host the gate's thread may be late.
      if (now < first->seen + kMostLag && !to_.gate_has_read(first->seen)) {
        first->due = now + kLookAgain;
        return;
      }
      due = held_.take_first();
    }
    tell_unless_seen(std::move(*due));
  }
}

bool Net::remember(const Execution& execution, bool by_scan) {
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(judged_.begin(), judged_.end(), [&](const Judged& judged) { return judged.execution == execution; });
  if (known == judged_.end()) {
    if (judged_.size() >= kMostRemembered) judged_.pop_front();
    judged_.push_back({execution, by_scan});
    return true;
  }
  // A new event is a new execution, unless the scan was only faster.
  return !by_scan && !std::exchange(known->by_scan, false);
}

void Net::note_loss(Steady::time_point since) {
  to_.counters.process_events_lost.fetch_add(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    lost_since_ = std::min(lost_since_.value_or(since), since);
  }
  wake_caretaker();
}

/// The first time at once; while more is lost, no more often than needed, so that scans do not cost more than they
/// find.
void Net::recover() {
  if (recovered_ != Steady::time_point() && Steady::now() - recovered_ < kBetweenScans) return;
  std::optional<Steady::time_point> since;
  {
    const std::lock_guard lock(mutex_);
    since = std::exchange(lost_since_, std::nullopt);
  }
  if (!since) return;
  const auto from = on_the_wall(*since);
  scan();
  recovered_ = Steady::now();
  to_.on_lost(from, Wall::now());
}

void Net::scan() {
  for (const pid_t pid : kernel::list_pids()) {
    if (stop_.load(std::memory_order_relaxed)) return;
    look_at_running(pid);
  }
}

/// One process of a scan. What its container's root holds has been the gate's since the container was found; what was
/// executed before that is an exposure, and is judged when it is executed again.
void Net::look_at_running(pid_t pid) {
  const auto execution = find_unmediated(pid);
  if (!execution) return;
  const auto& [id, proc_dir, container, file] = *execution;
  if (container->kind() == container::RootKind::overlay && file.st.st_dev == container->device()) return;
  const auto status = kernel::read_status(proc_dir.get());
  if (!status) return;
  const auto start = Steady::now() - kernel::time_since_start(status->start_ticks);
  if (to_.exec_log.seen_since(pid, file.st.st_dev, file.st.st_ino, start)) return;
  if (is_host_entry(*execution) || is_runtime_that_waits(*execution, status->ppid)) return;
  if (!remember({pid, status->start_ticks, file.st.st_dev, file.st.st_ino}, true)) return;
  if (auto report = judge_.judge(*execution)) judge_.tell(*container, std::move(*report));
}

/// `runc init` in a container that is created and not started yet: forked by a runtime of the host's, from a copy of
/// it.
bool Net::is_runtime_that_waits(const Unmediated& execution, pid_t parent) {
  const auto outside = kernel::open_proc(parent);
  if (!outside || to_.membership.container_of(outside->get())) return false;
  return runtimes_.contains(execution.file.st, execution.proc_dir.get(), judge_.is_memfd(execution.file));
}

}  // namespace holdfast::gate
