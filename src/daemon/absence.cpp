#include "holdfast/daemon/absence.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "holdfast/gate/event_table.h"

namespace holdfast::daemon {
namespace {

constexpr int kKind = SOCK_SEQPACKET | SOCK_CLOEXEC;
constexpr timeval kReceivePatience{1, 0};

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return errno_error(ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// One byte with one descriptor.
struct Letter {
  char byte = 'G';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  Letter() {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
};

bool is_roots(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

UniqueFd receive(int connection) {
  Letter letter;
  // A stranger who says nothing must not hold us.
  (void)::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &kReceivePatience, sizeof kReceivePatience);
  if (::recvmsg(connection, &letter.message, MSG_CMSG_CLOEXEC) <= 0) return {};
  const cmsghdr* const header = CMSG_FIRSTHDR(&letter.message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

}  // namespace

std::string release_socket(const std::string& runtime_directory) { return runtime_directory + "-release/socket"; }

Result<UniqueFd> entrust(const std::string& socket, const kernel::FanotifyGroup& group) {
  const auto address = address_of(socket);
  if (!address) return address.error();
  UniqueFd connection(::socket(AF_UNIX, kKind, 0));
  if (!connection) return errno_error("socket");
  if (::connect(connection.get(), generic(*address), sizeof *address) != 0) return errno_error(socket);
  Letter letter;
  cmsghdr* const header = CMSG_FIRSTHDR(&letter.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = group.fd();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (::sendmsg(connection.get(), &letter.message, MSG_NOSIGNAL) < 0) return errno_error(socket);
  return connection;
}

void dismiss(UniqueFd connection) {
  const char bye = 'B';
  (void)::send(connection.get(), &bye, sizeof bye, MSG_NOSIGNAL);
}

bool is_closed(const UniqueFd& connection) {
  pollfd watched{connection.get(), 0, 0};
  return !connection || (::poll(&watched, 1, 0) > 0 && (watched.revents & (POLLHUP | POLLERR)) != 0);
}

Result<Releaser> Releaser::create(Options options) {
  const auto address = address_of(options.socket);
  if (!address) return address.error();
  UniqueFd listening(::socket(AF_UNIX, kKind, 0));
  if (!listening) return errno_error("socket");
  (void)::unlink(options.socket.c_str());
  const mode_t before = ::umask(0177);
  const bool bound = ::bind(listening.get(), generic(*address), sizeof *address) == 0;
  const int failed = errno;
  ::umask(before);
  if (!bound) return errno_error(failed, options.socket);
  if (::listen(listening.get(), 4) != 0) return errno_error(options.socket);
  return Releaser(std::move(options), std::move(listening));
}

void Releaser::accept_service() {
  UniqueFd connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection || !is_roots(connection.get())) return;
  auto group = receive(connection.get());
  if (!group) return;
  group_ = std::move(group);
  service_ = std::move(connection);
  end_.reset();
}

/// It has something to say, which can only be good-bye, or it has ended.
void Releaser::look_at_service() {
  char byte = 0;
  if (::recv(service_.get(), &byte, sizeof byte, MSG_DONTWAIT) > 0) {
    group_.reset();
  } else {
    end_ = Steady::now() + options_.patience;
  }
  service_.reset();
}

/// Nobody will answer: no more marks, and an answer for all who wait, read or not. By number, since that is all that
/// counts (kernel fact 13), and whoever had read them is gone.
void Releaser::release() {
  auto group = kernel::FanotifyGroup::adopt(std::move(group_));
  if (!group) return options_.tell(fmt::format("cannot let the containers go: {}", group.error().message));
  group->remove_marks();
  std::vector<kernel::FanotifyEvent> events;
  std::vector<std::byte> buffer(kernel::kFanotifyBatch);
  std::size_t released = 0;
  for (int number = 0; static_cast<std::size_t>(number) < gate::EventTable::kNumbers; ++number) {
    released += group->respond(number, true) ? 1 : 0;
  }
  while (group->read(events, buffer) && !events.empty()) {
    for (const auto& event : events)
      released += event.is_permission() && group->respond(event.file.get(), true) ? 1 : 0;
  }
  options_.tell(
      fmt::format("no service has come back within {} ms: containers are not protected any more, and {} "
                  "executions that waited were allowed (OnAbsence=allow)",
                  options_.patience.count(), released));
}

void Releaser::run(int stop_fd) {
  for (;;) {
    int left = -1;
    if (end_) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(*end_ - Steady::now()).count();
      left = static_cast<int>(std::max<std::int64_t>(rest, 0));
    }
    std::array<pollfd, 3> fds{{{stop_fd, POLLIN, 0}, {service_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), left) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;  // our own end closes the group: we never hold anybody
    if (fds[1].revents != 0) look_at_service();
    if (fds[2].revents != 0) accept_service();
    if (!end_ || Steady::now() < *end_) continue;
    end_.reset();
    release();
  }
}

}  // namespace holdfast::daemon
