#include "listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "address.h"

namespace holdfast::control {
namespace {

constexpr int kBacklog = 64;

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The socket's directory, made if missing and locked: two services that start at once must not both find the same
/// stale socket and unlink each other's new one.
Result<UniqueFd> open_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return errno_error(fmt::format("cannot make the runtime directory {}", printable(directory)));
  }
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0) {
    return errno_error(fmt::format("cannot open the runtime directory {}", printable(directory)));
  }
  return fd;
}

UniqueFd new_socket(int flags) { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)); }

/// Removes a socket file on which nobody answers.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return {};
    return errno_error(fmt::format("cannot look at {}", printable(path)));
  }
  if (!S_ISSOCK(st.st_mode)) {
    return Error{EEXIST, fmt::format("{} exists and is not a socket; remove it, or set another RuntimeDirectory",
                                     printable(path))};
  }
  const UniqueFd probe = new_socket(SOCK_NONBLOCK);
  if (!probe) return errno_error("cannot make a unix socket");
  // Anything but a refusal (a full backlog, say) means that somebody has it.
  if (connect_unix(probe.get(), address) != ECONNREFUSED) {
    return Error{EADDRINUSE, fmt::format("another service answers on {}; stop it first", printable(path))};
  }
  if (::unlink(path.c_str()) != 0)
    return errno_error(fmt::format("cannot remove the stale socket {}", printable(path)));
  return {};
}

}  // namespace

Result<Listener> Listener::bind(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return address.error();
  const auto directory = open_directory(directory_of(path));
  if (!directory) return directory.error();
  if (const auto removed = remove_stale(path, *address); !removed) return removed.error();

  UniqueFd socket = new_socket(SOCK_NONBLOCK);
  if (!socket) return errno_error("cannot make a unix socket");
  // The mode of the socket's own inode is the file's from its first moment on: no window, and no umask to change.
  if (::fchmod(socket.get(), 0600) != 0) return errno_error("cannot set the mode of a unix socket");
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    return errno_error(fmt::format("cannot listen on {}", printable(path)));
  }
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) return errno_error(fmt::format("cannot look at {}", printable(path)));
  return Listener(std::move(socket), path, st.st_dev, st.st_ino);
}

Listener::Listener(Listener&& other) noexcept
    : socket_(std::move(other.socket_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

Listener::~Listener() {
  struct stat st {};
  if (path_.empty() || ::lstat(path_.c_str(), &st) != 0) return;
  if (st.st_dev == device_ && st.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace holdfast::control
