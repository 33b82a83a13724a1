#include "proc_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace holdfast::kernel {
namespace {

/// Bytes: room for about 20,000 executions that nobody has read yet.
constexpr int kReceiveBuffer = 8 * 1024 * 1024;

bool subscribe(int socket) {
  constexpr proc_cn_mcast_op kListen = PROC_CN_MCAST_LISTEN;
  constexpr std::size_t kMessageAt = NLMSG_HDRLEN;
  constexpr std::size_t kOperationAt = kMessageAt + sizeof(cn_msg);
  std::array<std::byte, kOperationAt + sizeof kListen> request{};
  nlmsghdr header{};
  header.nlmsg_len = request.size();
  header.nlmsg_type = NLMSG_DONE;
  header.nlmsg_pid = static_cast<__u32>(::getpid());
  cn_msg message{};
  message.id.idx = CN_IDX_PROC;
  message.id.val = CN_VAL_PROC;
  message.len = sizeof kListen;
  std::memcpy(request.data(), &header, sizeof header);
  std::memcpy(request.data() + kMessageAt, &message, sizeof message);
  std::memcpy(request.data() + kOperationAt, &kListen, sizeof kListen);
  return ::send(socket, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size());
}

/// Takes one datagram apart.
std::optional<proc_event> parse(const std::byte* data, std::size_t size) {
  nlmsghdr header{};
  proc_event event{};
  if (size < kEventAt + sizeof event) return std::nullopt;
  std::memcpy(&header, data, sizeof header);
  if (header.nlmsg_len < kEventAt + sizeof event || header.nlmsg_len > size) return std::nullopt;
  std::memcpy(&event, data + kEventAt, sizeof event);
  return event;
}

}  // namespace

Result<UniqueFd> open_proc_socket(std::span<sock_filter> filter) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR));
  if (!socket) return errno_error("open the proc connector");
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    return errno_error("filter process events");
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = CN_IDX_PROC;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return errno_error("bind the proc connector");
  }
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  if (!subscribe(socket.get())) return errno_error("subscribe to process events");
  return socket;
}

Result<Received> receive_proc_event(int socket) {
  alignas(nlmsghdr) std::array<std::byte, 512> buffer;
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t got =
        ::recvfrom(socket, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    // The sender must be the kernel (port 0): anybody may send to a netlink socket.
    if (got >= 0) {
      const bool ours = from.nl_pid == 0;
      return Received{ours ? parse(buffer.data(), static_cast<std::size_t>(got)) : std::nullopt, Received::State::got};
    }
    if (errno == ENOBUFS) return Received{{}, Received::State::lost};
    if (errno == EAGAIN) return Received{{}, Received::State::empty};
    if (errno != EINTR) return errno_error("read process events");
  }
}

}  // namespace holdfast::kernel
