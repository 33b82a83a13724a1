#pragma once

#include <functional>

namespace holdfast::daemon {

/// What the maintenance loop watches, and what it calls then. Descriptors stay their owners'.
struct MaintenanceHooks {
  int fatal_fd = -1;     ///< readable: end at once
  int runtimes_fd = -1;  ///< RuntimeBinaries::changes_fd
  int unmount_fd = -1;   ///< Discovery::unmount_fd
  std::function<void()> on_reload, on_runtimes, on_unmount, on_mounts;
  std::function<void()> on_tick;  ///< every two seconds, or three times in systemd's watchdog period
};

/// How a service ends: another one may come and take over, or nobody is to wait for one.
enum class End { stopped, for_good };

/// Blocks the signals that `maintain` and the gate's lease keeper take; to be called before any thread is started.
void block_signals();

/// Runs on the main thread until SIGTERM (systemd's: stop, or restart), SIGINT or fatal_fd (for good): signals,
/// replaced runtimes, unmounts, and changes of the host's mount table (poll(2) with POLLPRI on /proc/self/mountinfo,
/// proc(5)).
[[nodiscard]] End maintain(const MaintenanceHooks& hooks);

}  // namespace holdfast::daemon
