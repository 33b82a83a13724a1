#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/alert/queue.h"

namespace holdfast::alert {

/// A sink and what it has not been told yet about alerts that never reached it. The queue's thread only.
class Outlet {
 public:
  explicit Outlet(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}

  /// Writes an alert that stands for `attempts`, and before it what was lost since the last time. `lost_at_queue`: all
  /// that ever found the queue full.
  [[nodiscard]] bool write(const Alert& alert, std::uint64_t attempts, std::uint64_t lost_at_queue);

  [[nodiscard]] bool owes_notice(std::uint64_t lost_at_queue) const { return failed_ != 0 || told_ != lost_at_queue; }
  /// Tells of losses, if there are any to tell.
  [[nodiscard]] bool tell_losses(std::uint64_t lost_at_queue);

 private:
  [[nodiscard]] bool try_write(const Alert& alert) noexcept;
  [[nodiscard]] std::string loss_message(std::uint64_t lost_at_queue) const;

  std::unique_ptr<Sink> sink_;
  std::uint64_t failed_ = 0;  ///< alerts this sink did not take, not told yet
  std::uint64_t told_ = 0;    ///< of `lost_at_queue`
};

}  // namespace holdfast::alert
