#include "holdfast/control/server.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include "listener.h"
#include "session.h"

namespace holdfast::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;

constexpr std::size_t kQuickWorkers = 2;
constexpr std::size_t kSlowWorkers = 2;
/// How long accepting pauses when the process has run out of descriptors.
constexpr std::chrono::milliseconds kAcceptPause{100};

/// Signals belong to the service's main thread: threads made while one of these lives get none.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

std::optional<Peer> peer_of(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return std::nullopt;
  return Peer{peer.pid, peer.uid};
}

}  // namespace

bool may_command(uid_t peer, uid_t service) { return peer == 0 || peer == service; }

class Server::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {
    hooks_.on_request = [this](const std::shared_ptr<Session>& session, Request request) {
      dispatch(session, std::move(request));
    };
    hooks_.on_end = [this](const std::shared_ptr<Session>& session) { std::erase(sessions_, session); };
  }

  ~Impl() {
    if (!thread_.joinable()) return;
    // Sessions first: a handler that waits for a slow reader, or looks at closed(), comes back then.
    asio::post(io_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      for (const auto& session : std::vector(sessions_)) session->close();
    });
    quick_->join();
    slow_->join();
    thread_.join();  // nothing is left to do: the acceptor and all sessions are closed
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void add(std::string command, Pace pace, Handler handler) {
    handlers_.insert_or_assign(std::move(command), Entry{pace, std::move(handler)});
  }

  Result<void> start() {
    auto listener = Listener::bind(options_.socket);
    if (!listener) return listener.error();
    listener_.emplace(std::move(*listener));
    acceptor_.assign(Protocol(), listener_->release_socket());
    const SignalsBlocked blocked;
    quick_.emplace(kQuickWorkers);
    slow_.emplace(kSlowWorkers);
    accept_next();
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

 private:
  struct Entry {
    Pace pace = Pace::quick;
    Handler handler;
  };

  void accept_next() {
    acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](const error_code& cancelled) {
          if (!cancelled && acceptor_.is_open()) accept_next();
        });
        return;
      }
      welcome(std::move(socket));
      if (acceptor_.is_open()) accept_next();
    });
  }

  void welcome(Protocol::socket socket) {
    const auto peer = peer_of(socket.native_handle());
    const auto session = std::make_shared<Session>(std::move(socket), peer.value_or(Peer()), options_, hooks_);
    const bool full = !make_room();
    sessions_.push_back(session);
    if (!peer || !may_command(peer->uid, ::geteuid())) {
      session->refuse({Status::not_permitted, "only root may give commands to holdfastd"});
    } else if (full) {
      session->refuse({Status::unreachable,
                       fmt::format("{} clients are connected already; try again later", options_.max_clients)});
    } else {
      session->start();
    }
  }

  /// Clients that are slow to say what they want must not keep others out: when all places are taken, the one that has
  /// waited longest without a whole request gives its place up. False if all have asked: they are being served.
  bool make_room() {
    if (sessions_.size() < options_.max_clients) return true;
    const auto slowest = std::ranges::find_if(sessions_, &Session::waits_for_request);
    if (slowest == sessions_.end()) return false;
    const auto session = *slowest;
    session->refuse({Status::unreachable, "another client needed the place before a whole request had come"});
    return true;
  }

  void dispatch(const std::shared_ptr<Session>& session, Request request) {
    const auto entry = handlers_.find(request.command);
    if (entry == handlers_.end()) {
      session->refuse({Status::bad_input, fmt::format("this service has no command \"{}\"", request.command)});
      return;
    }
    auto& workers = entry->second.pace == Pace::quick ? *quick_ : *slow_;
    asio::post(workers, [session, request = std::move(request), &handler = entry->second.handler] {
      if (session->closed()) return;
      Answer answer;
      try {
        answer = handler(request, *session);
      } catch (const std::exception& error) {
        answer = Failure{Status::unreachable, fmt::format("\"{}\" failed: {}", request.command, error.what())};
      }
      session->finish(answer);
    });
  }

  const Options options_;
  std::map<std::string, Entry> handlers_;
  Session::Hooks hooks_;
  std::optional<Listener> listener_;
  asio::io_context io_{1};
  Protocol::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  std::vector<std::shared_ptr<Session>> sessions_;  ///< by arrival; io thread only
  std::optional<asio::thread_pool> quick_, slow_;
  std::thread thread_;
};

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

void Server::add(std::string command, Pace pace, Handler handler) {
  impl_->add(std::move(command), pace, std::move(handler));
}

Result<void> Server::start() { return impl_->start(); }

}  // namespace holdfast::control
