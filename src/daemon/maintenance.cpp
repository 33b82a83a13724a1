#include "holdfast/daemon/maintenance.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <systemd/sd-daemon.h>

#include "holdfast/base/clock.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::daemon {
namespace {

constexpr auto kTick = std::chrono::seconds(2);

sigset_t taken_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

/// False when the service is to end.
bool take_signals(int fd, const MaintenanceHooks& hooks) {
  signalfd_siginfo info{};
  while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGHUP) return false;
    (void)::sd_notify(0, "RELOADING=1");
    hooks.on_reload();
    (void)::sd_notify(0, "READY=1");
  }
  return true;
}

}  // namespace

void block_signals() {
  sigset_t signals = taken_signals();
  ::sigaddset(&signals, SIGURG);  // the lease keeper reads it
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

void maintain(const MaintenanceHooks& hooks) {
  const sigset_t set = taken_signals();
  const UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  const UniqueFd mounts(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  (void)::sd_notify(0, "READY=1");
  auto next_tick = Steady::now() + kTick;
  for (;;) {
    std::array<pollfd, 5> fds{{{signals.get(), POLLIN, 0},
                               {hooks.fatal_fd, POLLIN, 0},
                               {hooks.runtimes_fd, POLLIN, 0},
                               {hooks.unmount_fd, POLLIN, 0},
                               {mounts.get(), POLLPRI, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Steady::now()).count();
    (void)::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(0, left)));
    if ((fds[0].revents != 0 && !take_signals(signals.get(), hooks)) || fds[1].revents != 0) break;
    if (fds[2].revents != 0) hooks.on_runtimes();
    // Unmounts before mounts: a device number may be in both.
    if (fds[3].revents != 0) hooks.on_unmount();
    if ((fds[4].revents & POLLPRI) != 0) hooks.on_mounts();
    if (Steady::now() >= next_tick) {
      hooks.on_tick();
      next_tick = Steady::now() + kTick;
    }
  }
  (void)::sd_notify(0, "STOPPING=1");
}

}  // namespace holdfast::daemon
