#pragma once

#include <chrono>
#include <optional>

namespace holdfast::daemon {

// What systemd is told of the service (sd_notify(3), Type=notify). Without systemd, nothing happens.

void notify_ready();
void notify_reloading();
void notify_stopping();
/// To be called only when the gate was asked and is well.
void notify_alive();
/// How long systemd waits between two `notify_alive` before it ends the service; nothing: it does not wait for any.
[[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_period();

}  // namespace holdfast::daemon
