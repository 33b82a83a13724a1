#include "holdfast/daemon/notify.h"

#include <time.h>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace holdfast::daemon {

void notify_ready() { (void)::sd_notify(0, "READY=1"); }

void notify_reloading() {
  // Type=notify-reload (systemd 253) wants to know when; Type=notify does not mind.
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  (void)::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds).c_str());
}

void notify_stopping() { (void)::sd_notify(0, "STOPPING=1"); }
void notify_alive() { (void)::sd_notify(0, "WATCHDOG=1"); }

std::optional<std::chrono::milliseconds> watchdog_period() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(microseconds));
}

}  // namespace holdfast::daemon
