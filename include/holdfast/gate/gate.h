#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/counters.h"
#include "holdfast/gate/fair_queue.h"
#include "holdfast/gate/lease_keeper.h"
#include "holdfast/gate/pending.h"
#include "holdfast/kernel/fanotify.h"

namespace holdfast::gate {

/// The gate: owns the fanotify group, its marks, the thread that reads and answers, and the deadlines. Image code is
/// answered there and then; everything else goes to workers, and is answered by whoever comes first: the worker, or
/// this thread at the deadline. Nothing here logs, reads policy files or waits for a lock that slow work holds.
class Gate final : public container::Marker {
 public:
  struct Settings {
    std::chrono::milliseconds deadline{500};
    bool allow_on_deadline = true;
    std::chrono::milliseconds barrier_deadline{30'000};  ///< a snapshot is captured completely behind the barrier
    bool lease_signals = false;                          ///< see LeaseKeeper
    std::size_t most_pending = 4096;  ///< events in hand; beyond that they wait in the kernel, where they cost no fd
  };
  struct Dependencies {
    container::Registry& registry;
    Counters& counters;
    /// Whether any policy in effect has Mode=prevent (see container::Container::provisional).
    std::function<bool()> any_prevents;
    /// Settles one event that is not image code; calls `answer` as soon as the verdict is known. Runs on a worker.
    std::function<void(Gate&, const std::shared_ptr<Pending>&)> judge;
    /// A process is about to execute a runtime. Runs on a barrier thread; the gate answers when it returns.
    std::function<void(const Pending&)> barrier;
    /// The gate cannot go on (the group is closed already: everything pending runs). Runs on the gate's thread.
    std::function<void(const std::string&)> on_fatal;
  };

  [[nodiscard]] static Result<std::unique_ptr<Gate>> create(const Settings& settings, Dependencies dependencies);
  ~Gate() override;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void start(unsigned workers);
  /// Closes the group first, so that nobody waits, then ends the threads.
  void stop();

  /// What must stay unwritten until it is executed.
  [[nodiscard]] LeaseKeeper& leases() { return leases_; }

  /// Answers once; later calls for the same event do nothing. Any thread.
  void answer(Pending& pending, bool allow);
  /// Answers as configured for a verdict that does not come in time, and counts it. Any thread.
  void answer_by_deadline(Pending& pending, bool barrier = false);

  Result<void> mark_root(int root, const container::Container& container) override;
  Result<void> mark_directory(int directory, const container::Container& container) override;
  /// Marks a mount of a root without a superblock of its own, in the namespace of the process that executes there.
  Result<void> mark_root_mount(int root, const container::Container& container);
  /// Replaces the set of runtime binaries: inode marks on each descriptor, whose device and inode name it from then on.
  void set_runtimes(const std::vector<int>& binaries);

  [[nodiscard]] int group_fd() const { return group_.fd(); }

 private:
  using RuntimeSet = std::vector<std::pair<dev_t, ino_t>>;

  Gate(const Settings& settings, Dependencies dependencies, kernel::FanotifyGroup group, UniqueFd wake);
  void run();
  void take(kernel::FanotifyEvent event);
  [[nodiscard]] bool settle_fast(kernel::FanotifyEvent& event, const struct stat& st, container::Container* container);
  [[nodiscard]] bool allow_image_code(kernel::FanotifyEvent& event, const struct stat& st);
  [[nodiscard]] const std::shared_ptr<container::Container>* lookup(dev_t device);
  void hand_over(kernel::FanotifyEvent event, std::shared_ptr<container::Container> container, bool barrier);
  void respond(Pending& pending, bool allow);
  void answer_overdue();
  [[nodiscard]] int next_timeout() const;
  void work();
  void run_barrier();
  [[nodiscard]] std::uint64_t mask_for(const container::Container& container) const;
  Result<void> apply_mask(int fd, const container::Container& container, std::uint64_t extra,
                          Result<void> (kernel::FanotifyGroup::*add)(int, std::uint64_t) const,
                          Result<void> (kernel::FanotifyGroup::*remove)(int, std::uint64_t) const);

  const Settings settings_;
  const Dependencies dependencies_;
  kernel::FanotifyGroup group_;
  UniqueFd wake_;  ///< eventfd: stop, or room again

  std::shared_ptr<const container::Registry::Table> table_;  ///< the gate thread's own snapshot
  std::uint64_t table_generation_ = ~0ULL;
  std::atomic<std::shared_ptr<const RuntimeSet>> runtimes_;
  std::deque<std::shared_ptr<Pending>> overdue_order_, barrier_order_;  ///< by arrival; gate thread only
  FairQueue<const container::Container*, std::shared_ptr<Pending>> queue_;
  FairQueue<int, std::shared_ptr<Pending>> barrier_queue_;
  LeaseKeeper leases_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::gate
