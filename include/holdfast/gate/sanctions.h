#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "holdfast/alert/queue.h"
#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"
#include "holdfast/container/membership.h"
#include "holdfast/gate/enforce.h"
#include "holdfast/kernel/freezer.h"
#include "holdfast/policy/policy.h"

namespace holdfast::gate {

/// What befalls a whole container when drift in it was denied: Action=pause freezes its own cgroup, Action=stop ends
/// its first process as a runtime would (SIGTERM, then SIGKILL), and whoever else is left of it. Only ever processes of
/// the container; each is looked at before it is signalled, through a pidfd, and a cgroup that holds others is not
/// frozen. What was done, and what could not be, is told by an alert. One thread; nobody waits for it.
class Sanctions {
 public:
  struct Dependencies {
    const container::Membership& membership;
    const Enforcer& enforcer;
    alert::Queue& alerts;
    std::chrono::milliseconds grace{std::chrono::seconds(10)};  ///< between SIGTERM and SIGKILL
  };
  explicit Sanctions(const Dependencies& dependencies);
  /// Whoever is being stopped is not waited for.
  ~Sanctions();
  Sanctions(const Sanctions&) = delete;
  Sanctions& operator=(const Sanctions&) = delete;

  /// Only `pause` and `stop` do anything. Any thread.
  void impose(const std::shared_ptr<container::Container>& container, policy::Drift::Action action);

 private:
  struct Sanction {
    std::shared_ptr<container::Container> container;
    policy::Drift::Action action = policy::Drift::Action::none;
  };
  struct Ending {
    std::shared_ptr<container::Container> container;
    UniqueFd first;  ///< pidfd of its first process; empty: there was none any more
    Steady::time_point deadline;
  };
  void run();
  void pause(const std::shared_ptr<container::Container>& container);
  [[nodiscard]] Result<kernel::Freezer> freezer_of(const container::Container& container) const;
  [[nodiscard]] Result<void> verify(const kernel::Freezer& freezer, const container::Container& container) const;
  void begin_stop(const std::shared_ptr<container::Container>& container);
  [[nodiscard]] bool finish_stop(const Ending& ending);
  void tell(const container::Container& container, const std::string& what);

  const Dependencies to_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Sanction> waiting_;                                 ///< guarded by mutex_
  bool stop_ = false;                                            ///< likewise
  std::vector<Ending> endings_;                                  ///< the thread's own
  std::vector<std::weak_ptr<container::Container>> unpausable_;  ///< likewise: told of once
  std::thread thread_;
};

}  // namespace holdfast::gate
