#include "holdfast/gate/seals.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostSealsKept = 16384;  // containers
/// How old "last seen" may become while the container is there.
constexpr auto kSeenEvery = std::chrono::hours(24);

}  // namespace

/// Their windows are over: nobody knows what was written while no service ran.
Result<void> Seals::resume() {
  auto kept = dependencies_.catalog.sealed(kMostSealsKept);
  if (!kept) return kept.error();
  const std::lock_guard lock(mutex_);
  for (auto& one : *kept) {
    State state;
    state.closed = true;
    state.seen = one.seen;
    for (const auto& [path, sha256] : one.pins) state.pins[path].sha256 = sha256;
    states_.try_emplace(one.root, std::move(state));
  }
  return {};
}

/// The database may take its time: never under the lock.
void Seals::save_changed() {
  const auto now = Wall::now();
  std::vector<policy::Sealed> changed;
  {
    const std::lock_guard lock(mutex_);
    look_at_ages(now);
    for (const auto& key : busy_) {
      auto& state = states_.at(key);
      if (!state.unsaved) continue;
      policy::Sealed one{key, std::chrono::floor<std::chrono::seconds>(now), {}};
      for (const auto& [path, pin] : state.pins) one.pins.emplace(path, pin.sha256);
      state.unsaved = false;
      state.seen = now;
      changed.push_back(std::move(one));
    }
  }
  for (const auto& one : changed) {
    const auto saved = dependencies_.catalog.save_sealed(one);
    if (saved) continue;
    dependencies_.on_trouble(saved.error().message);
    const std::lock_guard lock(mutex_);
    if (const auto found = states_.find(one.root); found != states_.end()) found->second.unsaved = true;
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(busy_, [this](const auto& key) { return states_.at(key).is_idle(); });
}

/// The database is to know of each container that has pins that it is still there.
void Seals::look_at_ages(Wall::time_point now) {
  if (Steady::now() - ages_looked_at_ < kLookAtAges) return;
  ages_looked_at_ = Steady::now();
  for (auto& [key, state] : states_) {
    const bool known = state.seen != Wall::time_point{};
    if (!known || now - state.seen < kSeenEvery || state.container.expired()) continue;
    state.unsaved = true;
    busy_.insert(key);
  }
}

}  // namespace holdfast::gate
