#include "holdfast/kernel/proc_connector.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace holdfast::kernel {
namespace {

/// Room for about 20,000 executions that nobody has read yet.
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

/// Takes one datagram apart; the sender must be the kernel (port 0).
void parse(const std::byte* data, std::size_t size, std::vector<pid_t>& executed) {
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, data, sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > size) return;
    constexpr std::size_t kBefore = NLMSG_HDRLEN + sizeof(cn_msg);
    proc_event event{};
    if (header.nlmsg_len >= kBefore + sizeof event) {
      std::memcpy(&event, data + kBefore, sizeof event);
      if (event.what == proc_event::PROC_EVENT_EXEC) executed.push_back(event.event_data.exec.process_tgid);
    }
    const std::size_t step = NLMSG_ALIGN(header.nlmsg_len);
    if (step >= size) return;
    data += step;
    size -= step;
  }
}

}  // namespace

Result<ProcConnector> ProcConnector::open() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR));
  if (!socket) return errno_error("open the proc connector");
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
  return ProcConnector(std::move(socket));
}

Result<ProcConnector::Batch> ProcConnector::read() const {
  Batch batch;
  alignas(nlmsghdr) std::array<std::byte, 4096> buffer;
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t got =
        ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (got >= 0) {
      if (from.nl_pid == 0) parse(buffer.data(), static_cast<std::size_t>(got), batch.executed);
    } else if (errno == ENOBUFS) {
      batch.lost = true;
    } else if (errno == EAGAIN) {
      return batch;
    } else if (errno != EINTR) {
      return errno_error("read process events");
    }
  }
}

}  // namespace holdfast::kernel
