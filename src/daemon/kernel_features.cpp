#include "holdfast/daemon/kernel_features.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/pid_namespace.h"
#include "holdfast/kernel/proc_connector.h"

namespace holdfast::daemon {
namespace {

constexpr int kOldestMajor = 6;
constexpr int kOldestMinor = 1;

struct Version {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

Version running_kernel() {
  utsname name{};
  if (::uname(&name) != 0) return {};
  const std::string_view release(name.release);
  Version version;
  const auto major = std::from_chars(release.data(), release.data() + release.size(), version.major);
  if (major.ec == std::errc() && *major.ptr == '.') {
    std::from_chars(major.ptr + 1, release.data() + release.size(), version.minor);
  }
  return version;
}

bool has_overlay_lower_by_fd() {
  const UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "overlay", 1U)));
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  constexpr unsigned kSetFd = 5;  // FSCONFIG_SET_FD
  return context && ::syscall(SYS_fsconfig, context.get(), kSetFd, "lowerdir+", nullptr, root.get()) == 0;
}

}  // namespace

Result<void> check_kernel() {
  const Version running = running_kernel();
  if (running < Version{kOldestMajor, kOldestMinor}) {
    return Error{0, fmt::format("Linux {}.{} is too old: Holdfast needs {}.{} or newer", running.major, running.minor,
                                kOldestMajor, kOldestMinor)};
  }
  const UniqueFd group(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_REPORT_PIDFD, O_RDONLY | O_CLOEXEC));
  if (group) return {};
  if (errno == EPERM)
    return Error{EPERM, "fanotify permission events need root with CAP_SYS_ADMIN in the host's user namespace"};
  return errno_error("this kernel has no fanotify permission events (CONFIG_FANOTIFY_ACCESS_PERMISSIONS)");
}

KernelFeatures probe_kernel_features() {
  return {
      {"multigrain-timestamps", running_kernel() >= Version{6, 13},
       "files that changed within a few clock ticks of the capture are compared by content instead of identity"},
      {"proc-connector", kernel::ProcConnector::open().ok(),
       "executions that the gate is not asked for (memfd, file systems mounted inside a container) go unseen"},
      {"overlay-lower-by-fd", has_overlay_lower_by_fd(), "image views are mounted by path in a namespace of their own"},
      {"memfd_noexec", kernel::has_memfd_noexec(), "programs in memory are killed after they have started, not denied"},
  };
}

}  // namespace holdfast::daemon
