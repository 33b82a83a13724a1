#pragma once

#include <atomic>
#include <memory>

#include "holdfast/alert/queue.h"
#include "holdfast/baseline/catalog.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/registry.h"
#include "holdfast/control/server.h"
#include "holdfast/daemon/commands.h"
#include "holdfast/daemon/options.h"
#include "holdfast/gate/gate.h"
#include "holdfast/gate/judge.h"
#include "holdfast/gate/runtime_binaries.h"

namespace holdfast::daemon {

/// Owns every part and wires them. Built on the main thread, which then runs the maintenance loop.
class Service {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Service>> create(const Options& options, policy::Settings settings,
                                                               policy::PolicySet policies);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Serves until SIGTERM or SIGINT (returns 0) or until the gate cannot go on (returns 1).
  [[nodiscard]] int run();

 private:
  Service(const Options& options, policy::Settings settings, policy::PolicySet policies);
  Result<void> open_parts();
  Result<void> start_gate();
  Result<void> start_control();
  Result<void> reload();
  void take_runtimes();
  void on_container(const std::shared_ptr<container::Container>& container, const std::string& exposure);
  void tell_losses();
  void tell(const std::string& reason, const std::string& message, alert::Kind kind = alert::Kind::service);
  [[nodiscard]] std::shared_ptr<const policy::PolicySet> policies() const;

  const Options options_;
  policy::Settings settings_;
  std::atomic<std::shared_ptr<const policy::PolicySet>> policies_;

  // In the order of their dependence: destroyed from the last to the first.
  container::Registry registry_;
  gate::Counters counters_;
  gate::RuleUse rule_use_;
  gate::RuntimeBinaries runtimes_;
  std::unique_ptr<alert::Queue> alerts_;
  std::unique_ptr<baseline::Catalog> catalog_;
  std::unique_ptr<gate::Gate> gate_;
  std::unique_ptr<container::Discovery> discovery_;
  std::unique_ptr<gate::Judge> judge_;
  std::unique_ptr<ServiceContext> context_;
  std::unique_ptr<control::Server> control_;
  std::atomic<bool> failed_{false};
  UniqueFd fatal_wake_;  ///< eventfd: the gate cannot go on
  std::uint64_t told_notifications_lost_ = 0, told_kernel_denied_ = 0, told_overflows_ = 0;
};

}  // namespace holdfast::daemon
