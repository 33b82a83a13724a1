#include "holdfast/gate/watchdog.h"

#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

constexpr int kStarvedPatience = 10;
constexpr std::size_t kStatLimit = 4096;

/// Whether a thread of ours is running, or would if it got a processor (proc(5), stat, state R).
bool is_runnable(pid_t thread) {
  const UniqueFd task(::open(fmt::format("/proc/self/task/{}", thread).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto stat = kernel::read_file_at(task.get(), "stat", kStatLimit);
  if (!stat) return false;
  const auto name_end = stat->rfind(") ");
  return name_end != std::string::npos && stat->substr(name_end + 2, 1) == "R";
}

}  // namespace

Steady::duration Pulse::busy_for() const {
  const auto since = since_.load(std::memory_order_acquire);
  if (since == 0) return Steady::duration::zero();
  return Steady::now() - Steady::time_point(Steady::duration(since));
}

Watchdog::Watchdog(Dependencies dependencies) : dependencies_(std::move(dependencies)), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Watchdog::run() {
  for (;;) {
    const auto patience = dependencies_.patience();
    {
      std::unique_lock lock(mutex_);
      const auto turn = std::max(patience / 4, std::chrono::milliseconds(10));
      if (wake_.wait_for(lock, turn, [this] { return stop_; })) return;
    }
    const auto [pulse, thread] = dependencies_.watched();
    if (pulse == nullptr) continue;
    const auto busy = pulse->busy_for();
    if (busy <= patience || (busy <= kStarvedPatience * patience && is_runnable(thread))) continue;
    dependencies_.on_stuck();
  }
}

}  // namespace holdfast::gate
