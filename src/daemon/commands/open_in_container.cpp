#include "open_in_container.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/container/registry.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::daemon {
namespace {

/// A snapshot's root is a plain directory on a device that it shares with the host: only the directory itself will do.
/// An overlay is a superblock of its own, and a process may have its root deeper in it.
bool is_root_of(int directory, const container::Container& container) {
  if (container.kind() == container::RootKind::snapshot) {
    const auto key = container::root_key_of(directory);
    return key.ok() && *key == container.key();
  }
  struct stat st {};
  return ::fstat(directory, &st) == 0 && st.st_dev == container.device();
}

/// Opens a directory if it is the container's root. A pid or a mount point that has another meaning by now is thus
/// never taken for the container's.
UniqueFd open_if_root(const std::string& directory, const container::Container& container) {
  UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd || !is_root_of(fd.get(), container)) return UniqueFd();
  return fd;
}

UniqueFd open_root_of(pid_t pid, const container::Container& container) {
  return open_if_root(fmt::format("/proc/{}/root", pid), container);
}

Error cannot_open(int code, const std::string& path) {
  return errno_error(code, fmt::format("cannot open {} in the container", printable(path)));
}

}  // namespace

Result<ContainerRoot> open_root(const container::Container& container) {
  if (const pid_t pid = container.first_pid(); pid > 0) {
    if (UniqueFd root = open_root_of(pid, container)) return ContainerRoot{std::move(root), pid};
  }
  for (const pid_t pid : kernel::list_pids()) {
    if (UniqueFd root = open_root_of(pid, container)) return ContainerRoot{std::move(root), pid};
  }
  if (!container.root_mount_point().empty()) {
    if (UniqueFd root = open_if_root(container.root_mount_point(), container)) return ContainerRoot{std::move(root), 0};
  }
  return Error{ESRCH, "no process of this container lives, and its root is not mounted on the host"};
}

Result<UniqueFd> open_regular(int root, const std::string& path) {
  if (path.empty() || path.front() != '/') {
    return Error{EINVAL, fmt::format("{} is not an absolute path", printable(path))};
  }
  if (path.find('\0') != std::string::npos) return Error{EINVAL, "a path cannot hold a NUL byte"};
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd found(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
  if (!found) return cannot_open(errno, path);
  struct stat st {};
  if (::fstat(found.get(), &st) != 0) return cannot_open(errno, path);
  if (!S_ISREG(st.st_mode)) return Error{EINVAL, fmt::format("{} is not a regular file", printable(path))};
  // What O_PATH found is what is opened: our own descriptor's link cannot be exchanged.
  UniqueFd file(
      ::open(fmt::format("/proc/self/fd/{}", found.get()).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return cannot_open(errno, path);
  return file;
}

}  // namespace holdfast::daemon
