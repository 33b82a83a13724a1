#include "holdfast/kernel/pidfd.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include <fmt/format.h>

namespace holdfast::kernel {

Result<UniqueFd> open_pidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  if (!fd) return errno_error(fmt::format("open a descriptor of process {}", pid));
  return fd;
}

Result<void> send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0U) == 0) return {};
  return errno_error("signal a process");
}

Result<ino_t> mount_namespace(int pidfd) {
  constexpr unsigned long kGetMountNamespace = _IO(0xFF, 3);  // PIDFD_GET_MNT_NAMESPACE, newer than our headers
  const UniqueFd space(::ioctl(pidfd, kGetMountNamespace, 0));
  struct stat st {};
  if (!space || ::fstat(space.get(), &st) != 0) return errno_error("ask for a process's mount namespace");
  return st.st_ino;
}

namespace {

/// struct pidfd_info of linux/pidfd.h, newer than our headers, in its first version.
struct PidfdInfo {
  std::uint64_t mask = 0, cgroup = 0;
  std::uint32_t pid = 0, tgid = 0, ppid = 0, ruid = 0, rgid = 0, euid = 0, egid = 0, suid = 0, sgid = 0, fsuid = 0,
                fsgid = 0;
  std::int32_t exit_code = 0;
};
static_assert(sizeof(PidfdInfo) == 64);

}  // namespace

Result<ProcessOwner> process_owner(int pidfd) {
  constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);  // PIDFD_GET_INFO
  constexpr std::uint64_t kPidAndCredentials = 3;
  PidfdInfo info;
  info.mask = kPidAndCredentials;
  if (::ioctl(pidfd, kGetInfo, &info) != 0) return errno_error("ask for a process's parent");
  if ((info.mask & kPidAndCredentials) != kPidAndCredentials) return errno_error(EINVAL, "ask for a process's parent");
  return ProcessOwner{static_cast<pid_t>(info.ppid), info.ruid};
}

bool has_ended(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  return pidfd >= 0 && ::poll(&ended, 1, 0) != 0;
}

}  // namespace holdfast::kernel
