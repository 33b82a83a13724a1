#pragma once

#include <sys/types.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/container/membership.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/after_the_fact.h"
#include "holdfast/gate/exec_history.h"
#include "holdfast/gate/exec_log.h"
#include "holdfast/gate/held_reports.h"
#include "holdfast/gate/runtime_copies.h"
#include "holdfast/kernel/late_closer.h"
#include "holdfast/kernel/proc_connector.h"

namespace holdfast::gate {

/// The net below the gate: the kernel reports every execution on the host, and one in a protected container that the
/// gate was not asked for is judged after the fact. Nobody ever waits for its threads. Costs a host process one
/// look at its mount namespace.
///
/// Readers share the executions by processor, and run on the processors whose executions are theirs, above everybody
/// else: the kernel wakes them before the executed program's first instruction, and so they come first. A caretaker
/// does what is not urgent: scans, and reports that were held back.
class Net {
 public:
  struct Dependencies {
    container::Registry& registry;
    const container::Membership& membership;
    container::Mounts& mounts;
    ExecLog& exec_log;
    ExecHistory& history;  ///< gets every execution in a container
    Counters& counters;
    kernel::LateCloser& closer;
    RuleUse& rule_use;
    Reporter& reporter;
    const Enforcer& enforcer;
    const ExceptionFacts& exception_facts;
    Sanctions& sanctions;
    std::chrono::milliseconds deadline;
    /// Whether the gate has read and noted in the ExecLog whatever the kernel had for it at that moment.
    std::function<bool(Steady::time_point)> gate_has_read;
    /// Forgets containers that have ended: the kernel gives their devices' numbers to whoever comes next.
    std::function<void()> forget_ended;
    /// Process events were lost in that span; whoever executed anything then was looked for by a scan that has ended.
    std::function<void(Wall::time_point from, Wall::time_point until)> on_lost;
    /// The net has ended for good; one sentence.
    std::function<void(const std::string&)> on_end;
  };

  /// Fails where the kernel has no proc connector, or does not let us use it.
  [[nodiscard]] static Result<std::unique_ptr<Net>> create(Dependencies dependencies);
  ~Net();
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;

  /// Follows every execution since `create`, and scans all processes for what was executed before. After the gate's
  /// start and the first search for containers.
  void start();

  /// The runtimes' binaries, by open descriptors (O_PATH will do). Any thread.
  void set_runtimes(const std::vector<int>& binaries) { runtimes_.set(binaries); }

 private:
  using Connectors = std::vector<kernel::ProcConnector>;
  Net(Dependencies dependencies, Connectors connectors, std::vector<UniqueFd> wakes, dev_t memfds);

  // net.cpp: the readers
  void read(unsigned index);
  void look_at(pid_t pid);
  void enter(const std::shared_ptr<container::Container>& container, int proc_dir, pid_t pid) const;
  [[nodiscard]] std::optional<Unmediated> find_unmediated(pid_t pid) const;
  void note(pid_t pid, int pidfd, int proc_dir, const struct stat& file,
            const std::shared_ptr<container::Container>& container) const;
  [[nodiscard]] bool is_host_entry(const Unmediated& execution) const;
  void settle(const Unmediated& execution);

  // net_caretaker.cpp
  void take_care();
  [[nodiscard]] int next_timeout();
  void tell_due();
  void recover();
  void scan();
  void look_at_running(pid_t pid);
  [[nodiscard]] bool is_runtime_that_waits(const Unmediated& execution, pid_t parent);

  /// Which execution it was: not to be judged again by a scan, nor by its event if a scan was first.
  using Execution = std::tuple<pid_t, std::uint64_t, dev_t, ino_t>;  // second: start of the process in ticks
  struct Judged {
    Execution execution;
    bool by_scan = false;  ///< and its event has not come yet
  };
  /// False if it is not to be judged any more.
  [[nodiscard]] bool remember(const Execution& execution, bool by_scan);

  void hold(HeldReports::Held held);
  void tell_unless_seen(HeldReports::Held held);
  void note_loss(Steady::time_point since);
  void wake_caretaker();

  const Dependencies to_;
  const Connectors connectors_;
  const std::vector<UniqueFd> wakes_;  ///< eventfds: one a reader, to stop it; the last is the caretaker's
  AfterTheFact judge_;
  RuntimeCopies runtimes_;
  Steady::time_point recovered_{};  ///< the caretaker's own
  std::mutex mutex_;                ///< what follows; never held over anything slow
  HeldReports held_;
  std::deque<Judged> judged_;
  std::optional<Steady::time_point> lost_since_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::gate
