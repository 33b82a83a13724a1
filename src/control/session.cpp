#include "session.h"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace holdfast::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kChunk = std::size_t{64} * 1024;        ///< bytes per write, and so per write deadline
constexpr std::size_t kHighWater = std::size_t{1024} * 1024;  ///< bytes queued before a worker waits

}  // namespace

Session::Session(asio::local::stream_protocol::socket socket, const Peer& peer, const Server::Options& options,
                 const Hooks& hooks)
    : socket_(std::move(socket)), peer_(peer), deadline_(socket_.get_executor()), options_(options), hooks_(hooks) {}

void Session::start() {
  arm(options_.request_time, [this] {
    refuse({Status::bad_input, fmt::format("no complete request came within {} ms", options_.request_time.count())});
  });
  asio::async_read_until(
      socket_, asio::dynamic_buffer(request_, kMaxRequest), '\n',
      [self = shared_from_this()](const error_code& error, std::size_t length) { self->on_read(error, length); });
}

void Session::on_read(const error_code& error, std::size_t length) {
  if (ended_ || last_queued_) return;  // only this thread sets either before a request has come
  asked_ = true;
  deadline_.cancel();
  if (error == asio::error::not_found) {
    refuse({Status::bad_input, fmt::format("the request is longer than {} bytes", kMaxRequest)});
  } else if (error == asio::error::eof && !request_.empty()) {
    refuse({Status::bad_input, "the request does not end with a newline"});
  } else if (error) {
    close();
  } else {
    auto request = parse_request(std::string_view(request_).substr(0, length - 1));
    if (!request) {
      refuse({Status::bad_input, request.error().message});
      return;
    }
    watch_hang_up();
    hooks_.on_request(shared_from_this(), std::move(*request));
  }
}

void Session::watch_hang_up() {
  // A client may shut down its sending side and still read; only when it is gone does the socket hang up.
  socket_.async_wait(asio::socket_base::wait_error, [self = shared_from_this()](const error_code& error) {
    if (!error) self->close();
  });
}

void Session::refuse(Failure failure) { finish(Answer{std::move(failure)}); }

void Session::finish(const Answer& answer) { enqueue(answer_line(answer), true); }

bool Session::item(const boost::json::value& item) { return enqueue(item_line(item), false); }

bool Session::progress(const boost::json::value& progress) { return enqueue(progress_line(progress), false); }

bool Session::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

bool Session::enqueue(std::string line, bool last) {
  {
    std::unique_lock lock(mutex_);
    // The last line never waits: the io thread says it too, and must not wait for itself.
    if (!last) room_.wait(lock, [this] { return closed_ || queued_ < kHighWater; });
    if (closed_ || last_queued_) return false;
    last_queued_ = last;
    queued_ += line.size();
    // The first string may be on its way out; a later one that is short takes more.
    if (outbox_.size() > 1 && outbox_.back().size() + line.size() <= kChunk) {
      outbox_.back() += line;
    } else {
      outbox_.push_back(std::move(line));
    }
  }
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->write_some(); });
  return true;
}

void Session::write_some() {
  if (writing_ || ended_) return;
  asio::const_buffer chunk;
  {
    const std::scoped_lock lock(mutex_);
    if (outbox_.empty()) return;
    const std::string& first = outbox_.front();
    chunk = asio::buffer(first.data() + written_, std::min(kChunk, first.size() - written_));
  }
  writing_ = true;
  // A reader that does not take one chunk in this time is dropped; nobody else waits for it.
  arm(options_.write_time, [this] { close(); });
  asio::async_write(socket_, chunk, [self = shared_from_this()](const error_code& error, std::size_t length) {
    self->on_written(error, length);
  });
}

void Session::on_written(const error_code& error, std::size_t length) {
  writing_ = false;
  if (ended_) return;
  deadline_.cancel();
  if (error) {
    close();
    return;
  }
  bool done = false;
  {
    const std::scoped_lock lock(mutex_);
    written_ += length;
    queued_ -= length;
    if (written_ == outbox_.front().size()) {
      outbox_.pop_front();
      written_ = 0;
    }
    done = outbox_.empty() && last_queued_;
  }
  room_.notify_all();
  if (done) {
    close();
  } else {
    write_some();
  }
}

void Session::close() {
  if (ended_) return;
  ended_ = true;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
  hooks_.on_end(shared_from_this());
}

void Session::arm(std::chrono::milliseconds time, std::function<void()> on_expiry) {
  deadline_.expires_after(time);
  deadline_.async_wait([self = shared_from_this(), on_expiry = std::move(on_expiry)](const error_code& error) {
    // A timer that was set again after it had expired still completes without an error.
    if (error || self->ended_ || self->deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
    on_expiry();
  });
}

}  // namespace holdfast::control
