#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "holdfast/base/result.h"
#include "holdfast/control/protocol.h"

namespace holdfast::control {

/// Who gave a command, as the kernel says. A pid of 0: in a PID namespace that cannot be seen from here.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
};

/// What a running command tells before its answer. Called from the handler's thread.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Both wait while the reader is slow, and return false once nobody reads any more: stop then.
  virtual bool item(const boost::json::value& item) = 0;
  virtual bool progress(const boost::json::value& progress) = 0;
  [[nodiscard]] virtual bool closed() const = 0;
  [[nodiscard]] virtual Peer peer() const = 0;
};

/// Carries out one command. An exception becomes a failure with the status `unreachable`.
using Handler = std::function<Answer(const Request&, Stream&)>;

/// How long a handler takes: slow ones have workers of their own, so that `status` answers during a rebuild.
enum class Pace { quick, slow };

/// The control socket: one thread for all input and output, a few workers for the handlers.
class Server {
 public:
  struct Options {
    std::string socket;  ///< path; its directory is made (0755) if it is missing
    /// At a time. When they are that many, one that has not sent its whole request yet makes room for the next.
    std::size_t max_clients = 32;
    std::chrono::milliseconds request_time{10'000};  ///< to send the whole request
    std::chrono::milliseconds write_time{10'000};    ///< to take the next 64 KiB of the answer
  };
  explicit Server(Options options);
  /// Ends all connections, waits for running handlers (their streams say `closed`), removes the socket.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Before start() only.
  void add(std::string command, Pace pace, Handler handler);

  /// Binds the socket (mode 0600) and serves it. A socket file on which somebody answers is an error (EADDRINUSE); a
  /// stale one is replaced; anything that is not a socket is an error (EEXIST).
  [[nodiscard]] Result<void> start();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether a peer with this effective uid may give commands: root, or whoever the service runs as.
[[nodiscard]] bool may_command(uid_t peer, uid_t service);

}  // namespace holdfast::control
