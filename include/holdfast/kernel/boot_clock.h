#pragma once

#include <chrono>
#include <string>

namespace holdfast::kernel {

/// Time since the machine was booted, suspended time included (CLOCK_BOOTTIME): nobody can set it.
struct BootClock {
  std::string boot;  ///< the kernel's id of this boot; empty if /proc does not say
  std::chrono::seconds since{0};
};
[[nodiscard]] BootClock read_boot_clock();

}  // namespace holdfast::kernel
