#include "holdfast/gate/held_reports.h"

#include <algorithm>

namespace holdfast::gate {

std::optional<HeldReports::Held> HeldReports::put(Held held) {
  std::optional<Held> pressed;
  if (held_.size() >= kMost) {
    const auto* const whose = crowd();
    pressed =
        take(std::find_if(held_.begin(), held_.end(), [&](const Held& one) { return one.container.get() == whose; }));
  }
  ++load_[held.container.get()];
  held_.push_back(std::move(held));
  return pressed;
}

HeldReports::Held HeldReports::take(const std::deque<Held>::iterator& which) {
  Held taken = std::move(*which);
  held_.erase(which);
  const auto load = load_.find(taken.container.get());
  if (--load->second == 0) load_.erase(load);
  return taken;
}

const container::Container* HeldReports::crowd() const {
  return std::max_element(load_.begin(), load_.end(), [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace holdfast::gate
