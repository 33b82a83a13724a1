#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/alert/alert.h"
#include "holdfast/base/result.h"

namespace holdfast::alert {

/// Where alerts go. Called from the queue's own thread only; may block (that is what the queue is for).
class Sink {
 public:
  virtual ~Sink() = default;
  /// Returns false if the alert could not be delivered; the queue counts and tells.
  virtual bool write(const Alert& alert) = 0;
  [[nodiscard]] virtual std::string name() const = 0;
};

/// Whether make_sink would make one of "journald", "stderr" or "file:/absolute/path", as far as can be seen without
/// making anything: no file is created.
[[nodiscard]] Result<void> check_sink(const std::string& spec);
/// The sink; creates a file that is missing.
[[nodiscard]] Result<std::unique_ptr<Sink>> make_sink(const std::string& spec);

/// All in alerts handed to push(): accepted == delivered + folded + lost + waiting, at any time.
struct QueueCounters {
  std::uint64_t accepted = 0;   ///< handed to push()
  std::uint64_t delivered = 0;  ///< written to every sink
  std::uint64_t folded = 0;     ///< counted in another alert's `repeats`
  std::uint64_t lost = 0;       ///< queue full or sink failed; told by a `service` alert
  std::uint64_t waiting = 0;
};

/// A bounded queue with a thread of its own: folds identical drift alerts (same container, reason, verdict, path, file
/// identity and executing program) for `fold_for`, reporting the first at once and the rest as one alert with `repeats`
/// when the span ends; counts what it must drop and says so in a `service` alert as soon as there is room.
class Queue {
 public:
  struct Limits {
    std::size_t capacity = 16384;      ///< alerts
    std::size_t fold_capacity = 4096;  ///< distinct attempts remembered at a time
    std::chrono::milliseconds fold_for{10'000};
    std::size_t byte_capacity = 64UL * 1024 * 1024;  ///< of what is queued and remembered: arguments are the attacker's
  };
  Queue(std::vector<std::unique_ptr<Sink>> sinks, Limits limits);
  /// Writes what waits (folded counts included), then ends; gives up on a stuck sink after two seconds.
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Never blocks on a sink, never throws. Any thread.
  void push(Alert alert) noexcept;

  [[nodiscard]] QueueCounters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::alert
