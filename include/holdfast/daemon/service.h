#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "holdfast/alert/queue.h"
#include "holdfast/baseline/catalog.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/membership.h"
#include "holdfast/container/registry.h"
#include "holdfast/control/server.h"
#include "holdfast/daemon/commands.h"
#include "holdfast/daemon/handover.h"
#include "holdfast/daemon/options.h"
#include "holdfast/daemon/overriding.h"
#include "holdfast/gate/gate.h"
#include "holdfast/gate/judge.h"
#include "holdfast/gate/marks.h"
#include "holdfast/gate/net.h"
#include "holdfast/gate/runtime_binaries.h"
#include "holdfast/kernel/late_closer.h"

namespace holdfast::daemon {

/// Owns every part and wires them. Built on the main thread, which then runs the maintenance loop.
class Service {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Service>> create(const Options& options, policy::Settings settings,
                                                               policy::PolicySet policies, Handover handover);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Serves until SIGTERM or SIGINT (returns 0) or until the gate cannot go on (returns 1).
  [[nodiscard]] int run();

 private:
  Service(const Options& options, policy::Settings settings, policy::PolicySet policies, Handover handover);
  Result<void> open_parts();
  // service_storage.cpp
  Result<void> open_catalog();
  void on_storage_problem(const std::string& what);
  [[nodiscard]] std::string storage_trouble() const;
  [[nodiscard]] std::unique_ptr<gate::Evidence> open_evidence();
  void prune_old();
  // service_gate.cpp
  Result<void> start_gate();
  Result<void> make_gate();
  Result<void> make_discovery(std::function<bool(dev_t, ino_t)> was_marked);
  void tell_of_absence();
  void feed_watchdog();
  void keep_entrusted();
  void take_back_entrusted();
  void open_net();
  void lose_net(const std::string& why);
  void on_events_lost(Wall::time_point from, Wall::time_point until);
  Result<void> start_control();
  Result<void> reload();
  Result<void> load_configuration();  ///< all of it or, with an error, nothing
  void take_runtimes();
  void mark_runtimes();  ///< the same, with `reload_` held
  void on_container(const std::shared_ptr<container::Container>& container, const std::string& exposure);
  void on_tick();
  void tell_losses();
  void tell(const std::string& reason, const std::string& message, alert::Kind kind = alert::Kind::service);
  [[nodiscard]] std::shared_ptr<const policy::PolicySet> policies() const;
  [[nodiscard]] static gate::Answering answering_of(const policy::Settings& settings);

  static constexpr const char* kNoNet = "executions that the gate is not asked for go unseen";

  const Options options_;
  std::mutex reload_;          ///< settings_ and runtimes_: a reload may come by signal and by command
  policy::Settings settings_;  ///< in effect now
  std::atomic<std::shared_ptr<const policy::PolicySet>> policies_;

  Handover handover_;  ///< given up piece by piece as the service starts

  // In the order of their dependence: destroyed from the last to the first.
  container::Registry registry_;
  const container::Membership membership_{registry_};
  container::UnprotectedList unprotected_;
  gate::Counters counters_;
  kernel::LateCloser closer_;  ///< of files in containers
  gate::ExecLog exec_log_;
  gate::ExecHistory history_;
  gate::RuleUse rule_use_;
  gate::Enforcer enforcer_{membership_};
  gate::RuntimeBinaries runtimes_;
  std::unique_ptr<gate::Writers> writers_;
  std::unique_ptr<alert::Queue> alerts_;
  std::unique_ptr<gate::Reporter> reporter_;
  std::unique_ptr<baseline::Catalog> catalog_;
  std::unique_ptr<gate::Seals> seals_;
  std::unique_ptr<gate::ExceptionFacts> exception_facts_;
  std::unique_ptr<gate::Sanctions> sanctions_;
  std::unique_ptr<gate::Gate> gate_;
  std::unique_ptr<container::Overrides> overrides_;
  std::optional<gate::Marks> marks_;
  std::unique_ptr<container::Discovery> discovery_;
  std::unique_ptr<Overriding> overriding_;
  std::unique_ptr<gate::Judge> judge_;
  std::unique_ptr<gate::Net> net_;
  std::unique_ptr<ServiceContext> context_;
  std::unique_ptr<control::Server> control_;
  std::atomic<bool> failed_{false}, no_net_{false};
  mutable std::mutex storage_;  ///< the next two
  std::string on_other_storage_, last_problem_;
  Steady::time_point last_problem_at_{}, next_prune_{};
  std::thread pruning_;
  UniqueFd entrusted_;  ///< the connection to holdfast-release
  bool told_unentrusted_ = false;
  UniqueFd fatal_wake_;  ///< eventfd: the gate cannot go on
  Steady::time_point next_heartbeat_{};
  std::string told_trouble_;
  std::uint64_t told_notifications_lost_ = 0, told_kernel_denied_ = 0, told_overflows_ = 0, told_writers_lost_ = 0;
};

}  // namespace holdfast::daemon
