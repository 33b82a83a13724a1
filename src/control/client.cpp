#include "holdfast/control/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "address.h"

namespace holdfast::control {
namespace {

using Patience = std::optional<std::chrono::milliseconds>;

constexpr timeval kConnectTime{5, 0};

Failure failure_of(int code, std::string_view what) {
  const Status status = code == EACCES || code == EPERM ? Status::not_permitted : Status::unreachable;
  return {status, errno_error(code, what).message};
}

/// 0, or an errno value. The rest of a request that the service does not want to read any more is not an error: its
/// answer says why.
int send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EPIPE || errno == ECONNRESET ? 0 : errno;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return 0;
}

/// 0, or an errno value; ETIMEDOUT when patience has ended.
int wait_readable(int socket, const Patience& patience) {
  pollfd waited{socket, POLLIN, 0};
  const int ready = ::poll(&waited, 1, patience ? static_cast<int>(patience->count()) : -1);
  if (ready < 0) return errno == EINTR ? 0 : errno;
  return ready == 0 ? ETIMEDOUT : 0;
}

}  // namespace

std::variant<Client, Failure> Client::connect(const std::string& socket) {
  const std::string name = printable(socket);
  const auto address = unix_address(socket);
  if (!address) return Failure{Status::bad_input, address.error().message};
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return failure_of(errno, "cannot make a unix socket");
  // Bounds connect(2) too, which waits while the service's backlog is full.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kConnectTime, sizeof kConnectTime);
  switch (const int code = connect_unix(fd.get(), *address)) {
    case 0:
      return Client(std::move(fd), name);
    case ENOENT:
    case ECONNREFUSED:
      return Failure{Status::unreachable, fmt::format("no service answers on {}; is holdfastd running?", name)};
    case EACCES:
    case EPERM:
      return Failure{Status::not_permitted, fmt::format("not permitted to use {}; run this as root", name)};
    default:
      return failure_of(code, fmt::format("cannot reach the service on {}", name));
  }
}

std::variant<std::string, Failure> Client::next_line(Patience patience) {
  std::array<char, 65536> block;
  while (true) {
    if (const auto end = buffer_.find('\n', scanned_); end != std::string::npos) {
      std::string line = buffer_.substr(begin_, end - begin_);
      begin_ = scanned_ = end + 1;
      return line;
    }
    // Moved to the front once a block, not once a line.
    buffer_.erase(0, std::exchange(begin_, 0));
    scanned_ = buffer_.size();
    if (buffer_.size() > kMaxAnswerLine) return Failure{Status::unreachable, "the service's answer is too long"};
    if (const int code = wait_readable(socket_.get(), patience)) {
      return failure_of(code, fmt::format("the service on {} does not answer", name_));
    }
    const ssize_t got = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0 && errno != ECONNRESET) return failure_of(errno, fmt::format("cannot read from {}", name_));
    if (got <= 0) {
      return Failure{Status::unreachable, fmt::format("the service on {} ended before it had answered", name_)};
    }
    buffer_.append(block.data(), static_cast<std::size_t>(got));
  }
}

Answer Client::call(std::string_view command, boost::json::object arguments, const OnMessage& on_message,
                    Patience patience) {
  if (const int code = send_all(socket_.get(), request_line(command, std::move(arguments)))) {
    return failure_of(code, fmt::format("cannot send to {}", name_));
  }
  while (true) {
    auto line = next_line(patience);
    if (auto* failure = std::get_if<Failure>(&line)) return std::move(*failure);
    auto message = parse_message(std::get<std::string>(line));
    if (!message) {
      return Failure{Status::unreachable,
                     fmt::format("what answers on {} is not holdfastd: {}", name_, message.error().message)};
    }
    if (message->kind == Message::Kind::final) return std::move(message->answer);
    if (on_message) on_message(message->kind, message->value);
  }
}

}  // namespace holdfast::control
