#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "holdfast/alert/alert.h"
#include "holdfast/base/result.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/overrides.h"
#include "holdfast/container/registry.h"
#include "holdfast/control/server.h"

namespace holdfast::daemon {

/// Overrides of containers' modes: begins and ends them, at somebody's request or by the clock, puts that into effect
/// at once, and tells of each in an alert. Any thread.
class Overriding {
 public:
  struct Dependencies {
    container::Registry& registry;
    container::Discovery& discovery;
    container::Overrides& overrides;
    std::function<void(alert::Alert)> tell;
    std::function<policy::OverrideClock()> clock = container::override_clock;
  };
  explicit Overriding(Dependencies dependencies) : to_(std::move(dependencies)) {}

  using Shared = container::Overrides::Shared;
  struct Wish {
    policy::Mode mode = policy::Mode::detect;
    std::chrono::seconds duration{0};
    std::string reason;
  };
  [[nodiscard]] Result<Shared> begin(const std::shared_ptr<container::Container>& container, const Wish& wish,
                                     const control::Peer& asker);
  /// Before its time. CONTAINER of interface.md, or one that does not run now. An empty reason is fine.
  [[nodiscard]] Result<Shared> end(const std::string& container, const std::string& reason, const control::Peer& asker);
  /// Ends those whose time has come, and what a container that came meanwhile has of one that has ended.
  void review();

  [[nodiscard]] std::vector<Shared> all() const { return to_.overrides.all(); }
  [[nodiscard]] policy::OverrideClock now() const { return to_.clock(); }

 private:
  struct Asker;
  void tell(const char* what, const policy::Override& about, const std::string& message, const Asker* asker);
  [[nodiscard]] std::shared_ptr<container::Container> container_of(const policy::Override& one) const;
  [[nodiscard]] Result<Shared> find(const std::string& container) const;

  const Dependencies to_;
  std::mutex mutex_;  ///< over a change and its effect
};

}  // namespace holdfast::daemon
