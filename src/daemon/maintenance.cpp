#include "holdfast/daemon/maintenance.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "holdfast/base/clock.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/daemon/notify.h"
#include "holdfast/kernel/host_namespace.h"

namespace holdfast::daemon {
namespace {

constexpr std::chrono::milliseconds kTick{2000};
constexpr std::chrono::milliseconds kShortestTick{20};
/// Of these, two may go wrong before the watchdog barks.
constexpr int kTicksInWatchdog = 3;

std::chrono::milliseconds tick() {
  const auto watchdog = watchdog_period();
  return watchdog ? std::clamp(*watchdog / kTicksInWatchdog, kShortestTick, kTick) : kTick;
}

sigset_t taken_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

/// Why the service is to end, if it is.
std::optional<End> take_signals(int fd, const MaintenanceHooks& hooks) {
  signalfd_siginfo info{};
  while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGINT) return End::for_good;
    if (info.ssi_signo != SIGHUP) return End::stopped;
    notify_reloading();
    hooks.on_reload();
    notify_ready();
  }
  return std::nullopt;
}

}  // namespace

void block_signals() {
  sigset_t signals = taken_signals();
  for (const int signal : {SIGURG, SIGWINCH}) ::sigaddset(&signals, signal);  // read by gate::LeaseBell
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

End maintain(const MaintenanceHooks& hooks) {
  const sigset_t set = taken_signals();
  const UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  const UniqueFd mounts(
      ::open(fmt::format("/proc/{}/mountinfo", kernel::host_mounts_pid()).c_str(), O_RDONLY | O_CLOEXEC));
  const auto pause = tick();
  notify_ready();
  auto next_tick = Steady::now() + pause;
  std::optional<End> end;
  while (!end) {
    std::array<pollfd, 5> fds{{{signals.get(), POLLIN, 0},
                               {hooks.fatal_fd, POLLIN, 0},
                               {hooks.runtimes_fd, POLLIN, 0},
                               {hooks.unmount_fd, POLLIN, 0},
                               {mounts.get(), POLLPRI, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Steady::now()).count();
    (void)::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(0, left)));
    if (fds[0].revents != 0) end = take_signals(signals.get(), hooks);
    if (fds[1].revents != 0) end = End::for_good;
    if (fds[2].revents != 0) hooks.on_runtimes();
    // Unmounts before mounts: a device number may be in both.
    if (fds[3].revents != 0) hooks.on_unmount();
    if ((fds[4].revents & POLLPRI) != 0) hooks.on_mounts();
    if (Steady::now() >= next_tick) {
      hooks.on_tick();
      next_tick = Steady::now() + pause;
    }
  }
  notify_stopping();
  return *end;
}

}  // namespace holdfast::daemon
