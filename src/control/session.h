#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "holdfast/control/server.h"

namespace holdfast::control {

/// One client: reads its request, hands it over, writes what the handler says. Everything happens on the io thread but
/// item(), progress(), closed() and finish(), which a worker calls.
class Session final : public Stream, public std::enable_shared_from_this<Session> {
 public:
  struct Hooks {
    /// A request has come. The receiver calls finish() in the end, from any thread.
    std::function<void(const std::shared_ptr<Session>&, Request)> on_request;
    /// The connection is over; called once.
    std::function<void(const std::shared_ptr<Session>&)> on_end;
  };

  Session(boost::asio::local::stream_protocol::socket socket, const Peer& peer, const Server::Options& options,
          const Hooks& hooks);

  void start();
  /// Says only this and ends.
  void refuse(Failure failure);
  /// The last line; the connection ends when it has been written.
  void finish(const Answer& answer);
  /// Ends at once.
  void close();
  /// Whether its request has not come yet, and nothing has been said to it. The io thread only.
  [[nodiscard]] bool waits_for_request() const { return !asked_ && !last_queued_ && !ended_; }

  bool item(const boost::json::value& item) override;
  bool progress(const boost::json::value& progress) override;
  [[nodiscard]] bool closed() const override;
  [[nodiscard]] Peer peer() const override { return peer_; }

 private:
  void on_read(const boost::system::error_code& error, std::size_t length);
  void watch_hang_up();
  bool enqueue(std::string line, bool last);
  void write_some();
  void on_written(const boost::system::error_code& error, std::size_t length);
  void arm(std::chrono::milliseconds time, std::function<void()> on_expiry);

  boost::asio::local::stream_protocol::socket socket_;
  const Peer peer_;
  boost::asio::steady_timer deadline_;
  const Server::Options& options_;
  const Hooks& hooks_;
  std::string request_;
  bool writing_ = false;
  bool asked_ = false;  ///< the request has come
  bool ended_ = false;
  std::size_t written_ = 0;  ///< of the outbox's first string

  mutable std::mutex mutex_;  ///< what follows; never held over input or output
  std::condition_variable room_;
  std::deque<std::string> outbox_;
  std::size_t queued_ = 0;  ///< bytes in the outbox
  bool last_queued_ = false;
  bool closed_ = false;
};

}  // namespace holdfast::control
