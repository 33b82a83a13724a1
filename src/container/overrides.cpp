#include "holdfast/container/overrides.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/boot_clock.h"

namespace holdfast::container {
bool is_target(const policy::Override& one, const Container& container) {
  const auto& root = container.key();
  const auto& target = one.target;
  if (target.inode != root.inode || target.birth != root.birth) return false;
  const auto names = container.names();
  const bool named = !target.id.empty() && !names->id.empty();
  // A file system without a device of its own (btrfs) has another number after each boot: inode, birth and id tell.
  if (target.device != root.device && (target.birth == 0 || !named)) return false;
  if (named) return target.id == names->id;
  return container.named() || one.mode == policy::Mode::prevent;
}

policy::OverrideClock override_clock() {
  auto boot = kernel::read_boot_clock();
  return {std::chrono::floor<std::chrono::seconds>(Wall::now()), std::move(boot.boot), boot.since};
}

Result<void> Overrides::resume(const policy::OverrideClock& now) {
  const std::lock_guard writing(writing_);
  auto kept = catalog_.overrides();
  if (!kept) return kept.error();
  for (auto& one : *kept) {
    const std::string boot = one.boot;
    one = policy::resumed(std::move(one), now);
    if (one.boot != boot) {
      if (auto saved = catalog_.save_override(one); !saved) return saved;
    }
    const std::lock_guard lock(mutex_);
    all_.push_back(std::make_shared<const policy::Override>(std::move(one)));
  }
  return {};
}

Result<Overrides::Shared> Overrides::begin(policy::Override one) {
  const std::lock_guard writing(writing_);
  if (all().size() >= kMost) {
    return Error{ENOSPC, fmt::format("{} containers' modes are overridden already; a policy would be right", kMost)};
  }
  if (auto saved = catalog_.save_override(one); !saved) return saved.error();
  std::erase(to_forget_, one.target);
  const auto shared = std::make_shared<const policy::Override>(std::move(one));
  const std::lock_guard lock(mutex_);
  const auto same = std::ranges::find_if(all_, [&](const auto& other) { return other->target == shared->target; });
  if (same != all_.end()) return std::exchange(*same, shared);
  all_.push_back(shared);
  return Shared();
}

void Overrides::end(const policy::Override& one) {
  const std::lock_guard writing(writing_);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const auto& other) { return other->target == one.target; });
  }
  forget(one.target);
}

void Overrides::forget(const policy::Override::Target& target) {
  if (!catalog_.remove_override(target)) to_forget_.push_back(target);
}

std::vector<Overrides::Shared> Overrides::take_ended(const policy::OverrideClock& now) {
  const std::lock_guard writing(writing_);
  for (const auto& target : std::exchange(to_forget_, {})) forget(target);
  std::vector<Shared> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto lasts = [&](const auto& one) { return policy::time_left(*one, now) > std::chrono::seconds{0}; };
    const auto first_ended = std::stable_partition(all_.begin(), all_.end(), lasts);
    ended.assign(first_ended, all_.end());
    all_.erase(first_ended, all_.end());
  }
  for (const auto& one : ended) forget(one->target);
  return ended;
}

Overrides::Shared Overrides::find(const Container& container) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(all_, [&](const auto& one) { return is_target(*one, container); });
  return found == all_.end() ? nullptr : *found;
}

Result<Overrides::Shared> Overrides::resolve(std::string_view text) const {
  std::vector<Shared> prefixed, named;
  for (const auto& one : all()) {
    if (one->target.id == text) return one;
    if (!text.empty() && one->target.id.starts_with(text)) prefixed.push_back(one);
    if (!text.empty() && one->name == text) named.push_back(one);
  }
  const auto& fitting = named.empty() ? prefixed : named;
  const auto shown = shorten(printable(text), 100);
  if (fitting.empty()) {
    return Error{ENOENT, fmt::format("the mode of no container called \"{}\" is overridden", shown)};
  }
  if (fitting.size() > 1) {
    return Error{ENOTUNIQ, fmt::format("{} containers fit \"{}\": give more of the id", fitting.size(), shown)};
  }
  return fitting.front();
}

std::vector<Overrides::Shared> Overrides::all() const {
  const std::lock_guard lock(mutex_);
  return all_;
}

}  // namespace holdfast::container
