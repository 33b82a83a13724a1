#include "outlet.h"

#include <fmt/format.h>

namespace holdfast::alert {

bool Outlet::write(const Alert& alert, std::uint64_t attempts, std::uint64_t lost_at_queue) {
  if (tell_losses(lost_at_queue) && try_write(alert)) return true;
  failed_ += attempts;
  return false;
}

bool Outlet::tell_losses(std::uint64_t lost_at_queue) {
  if (!owes_notice(lost_at_queue)) return true;
  Alert notice;
  notice.time = Wall::now();
  notice.kind = Kind::service;
  notice.reason = "alerts-lost";
  notice.message = loss_message(lost_at_queue);
  if (!try_write(notice)) return false;
  failed_ = 0;
  told_ = lost_at_queue;
  return true;
}

std::string Outlet::loss_message(std::uint64_t lost_at_queue) const {
  const std::uint64_t full = lost_at_queue - told_;
  const std::string unwritten = fmt::format("{} could not be written", sink_->name());
  const std::uint64_t all = full + failed_;
  std::string text = all == 1 ? "1 alert was lost: " : fmt::format("{} alerts were lost: ", all);
  if (failed_ == 0) return text += "queue full";
  if (full == 0) return text += unwritten;
  return text += fmt::format("queue full ({}), {} ({})", full, unwritten, failed_);
}

bool Outlet::try_write(const Alert& alert) noexcept {
  try {
    return sink_->write(alert);
  } catch (...) {
    return false;  // no memory for the line: a loss like any other
  }
}

}  // namespace holdfast::alert
