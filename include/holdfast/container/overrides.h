#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/baseline/catalog.h"
#include "holdfast/container/container.h"
#include "holdfast/policy/override.h"

namespace holdfast::container {

/// The present, as overrides count it.
[[nodiscard]] policy::OverrideClock override_clock();

/// Whether an override is this container's: the same root, and the same id where both are known. One that has no names
/// yet may turn out to be another container with the same root: it gets no milder mode before.
[[nodiscard]] bool is_target(const policy::Override& one, const Container& container);

/// Which containers' modes are overridden: in memory for discovery, in the database for the next service. Puts nothing
/// into effect by itself (see Discovery::apply_policies). Any thread.
class Overrides {
 public:
  using Shared = std::shared_ptr<const policy::Override>;
  static constexpr std::size_t kMost = 1024;  ///< at a time

  explicit Overrides(baseline::Catalog& catalog) : catalog_(catalog) {}

  /// Takes over what the service before this one left, those included whose time has come since.
  [[nodiscard]] Result<void> resume(const policy::OverrideClock& now);
  /// Returns the one that it replaces, or null. An error if it cannot be kept for the next service: nothing has
  /// changed.
  [[nodiscard]] Result<Shared> begin(policy::Override one);
  /// Ended at once, even if the database cannot be written now: take_ended() goes on trying.
  void end(const policy::Override& one);
  /// Removes those whose time has come.
  [[nodiscard]] std::vector<Shared> take_ended(const policy::OverrideClock& now);

  /// The container's (see is_target), or null.
  [[nodiscard]] Shared find(const Container& container) const;
  /// By the id, a unique start of it, or the name that the container had when it began; the container need not run.
  [[nodiscard]] Result<Shared> resolve(std::string_view text) const;
  [[nodiscard]] std::vector<Shared> all() const;

 private:
  void forget(const policy::Override::Target& target);

  baseline::Catalog& catalog_;
  std::mutex writing_;        ///< over each change, the database's included; taken before mutex_
  mutable std::mutex mutex_;  ///< all_; never held over anything slow
  std::vector<Shared> all_;
  std::vector<policy::Override::Target> to_forget_;  ///< under writing_: could not be removed from the database yet
};

}  // namespace holdfast::container
