#include "holdfast/kernel/boot_clock.h"

#include <fcntl.h>
#include <time.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::kernel {

BootClock read_boot_clock() {
  BootClock clock;
  timespec since{};
  ::clock_gettime(CLOCK_BOOTTIME, &since);
  clock.since = std::chrono::seconds(since.tv_sec);
  const UniqueFd directory(::open("/proc/sys/kernel/random", O_PATH | O_DIRECTORY | O_CLOEXEC));
  constexpr std::size_t kLimit = 64;  // a UUID and a newline
  auto boot = read_file_at(directory.get(), "boot_id", kLimit);
  if (!boot) return clock;
  clock.boot = boot->substr(0, boot->find('\n'));
  return clock;
}

}  // namespace holdfast::kernel
